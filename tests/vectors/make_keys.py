"""Write Paillier test keys: python tests/vectors/make_keys.py BITS COUNT > tests/vectors/paillier_BITS.json

They save the tests the time to draw primes. They are public, so nothing real may ever be encrypted under them.
"""

import json
import sys

from crypto.paillier import generate

bits, count = int(sys.argv[1]), int(sys.argv[2])
keys = [generate(bits, minimum_bits=512) for _ in range(count)]
vectors = {"note": "public test keys", "keys": [{"p": f"{key.p:x}", "q": f"{key.q:x}"} for key in keys]}
print(json.dumps(vectors, indent=2))
