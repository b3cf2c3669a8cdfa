// Command judge reads claims about a record, one JSON object a line, and prints a verdict on each: ACCEPT, or REJECT
// and why.
//
// Notes, the tree and its proofs are judged by golang.org/x/mod/sumdb/{note,tlog}, which the Go team wrote for its own
// checksum database. Written here is only what that lacks: the framing of two signatures over crypto/ed25519, that of
// c2sp.org/tlog-cosignature (type 0x04) and that of DSSE.
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A claim is a checkpoint with the entries it stands for; proofs and envelopes are optional.
type claim struct {
	Note      string
	Log       string   // verifier key of type 0x01
	Witnesses []string // verifier keys of type 0x04
	Entries   [][]byte
	Inclusion []struct {
		Index int64
		Proof [][]byte
	}
	Consistency []struct {
		Size  int64
		Root  []byte
		Proof [][]byte
	}
	Envelopes []struct {
		Envelope []byte
		Signer   string // verifier key of type 0x01
	}
}

func (c *claim) check() error {
	size, root, err := c.openCheckpoint()
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := checkTree(c.Entries, size, root); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	for _, i := range c.Inclusion {
		if i.Index >= size {
			return errors.New("inclusion: no such entry")
		}
		leaf := tlog.RecordHash(c.Entries[i.Index])
		if err := tlog.CheckRecord(hashes(i.Proof), size, root, i.Index, leaf); err != nil {
			return fmt.Errorf("inclusion: %w", err)
		}
	}
	for _, old := range c.Consistency {
		if err := tlog.CheckTree(hashes(old.Proof), size, root, old.Size, hash(old.Root)); err != nil {
			return fmt.Errorf("consistency: %w", err)
		}
	}
	for _, e := range c.Envelopes {
		if err := checkEnvelope(e.Envelope, e.Signer); err != nil {
			return fmt.Errorf("envelope: %w", err)
		}
	}
	return nil
}

// openCheckpoint returns size and root hash once the log and every witness have signed them.
func (c *claim) openCheckpoint() (int64, tlog.Hash, error) {
	log, err := note.NewVerifier(c.Log)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	known := []note.Verifier{log}
	for _, text := range c.Witnesses {
		witness, err := newWitness(text)
		if err != nil {
			return 0, tlog.Hash{}, err
		}
		known = append(known, witness)
	}
	n, err := note.Open([]byte(c.Note), note.VerifierList(known...))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	if len(n.Sigs) != len(known) {
		return 0, tlog.Hash{}, fmt.Errorf("%d of %d signatures", len(n.Sigs), len(known))
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != log.Name() || lines[3] != "" {
		return 0, tlog.Hash{}, errors.New("not three lines of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return size, root, err
}

func checkTree(entries [][]byte, size int64, root tlog.Hash) error {
	if int64(len(entries)) != size {
		return fmt.Errorf("%d entries, size %d", len(entries), size)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for index, entry := range entries {
		more, err := tlog.StoredHashes(int64(index), entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, more...)
	}
	computed, err := tlog.TreeHash(size, reader)
	if err != nil {
		return err
	}
	if computed != root {
		return fmt.Errorf("the entries give %v", computed)
	}
	return nil
}

func hash(data []byte) (h tlog.Hash) {
	if len(data) == len(h) {
		copy(h[:], data)
	}
	return h
}

func hashes(list [][]byte) []tlog.Hash {
	var proof []tlog.Hash
	for _, data := range list {
		proof = append(proof, hash(data))
	}
	return proof
}

// A witness verifies cosignatures of type 0x04.
type witness struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func newWitness(vkey string) (*witness, error) {
	name, kind, public, err := readKey(vkey)
	if err != nil || kind != 4 {
		return nil, errors.New("no verifier key of type 4")
	}
	id := sha256.Sum256(append([]byte(name+"\n\x04"), public...))
	return &witness{name, binary.BigEndian.Uint32(id[:4]), public}, nil
}

func (w *witness) Name() string    { return w.name }
func (w *witness) KeyHash() uint32 { return w.hash }
func (w *witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(signature))
	return ed25519.Verify(w.public, append([]byte(head), text...), signature[8:])
}

// checkEnvelope verifies the first signature of a DSSE envelope.
func checkEnvelope(data []byte, signer string) error {
	var envelope struct {
		Payload     []byte
		PayloadType string
		Signatures  []struct{ Sig []byte }
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return err
	}
	_, kind, public, err := readKey(signer)
	if err != nil || kind != 1 || len(envelope.Signatures) == 0 {
		return errors.New("no Ed25519 key, or no signature")
	}
	kindName, body := envelope.PayloadType, envelope.Payload
	pae := fmt.Sprintf("DSSEv1 %d %s %d %s", len(kindName), kindName, len(body), body)
	if !ed25519.Verify(public, []byte(pae), envelope.Signatures[0].Sig) {
		return errors.New("invalid signature")
	}
	return nil
}

func readKey(vkey string) (name string, kind byte, public ed25519.PublicKey, err error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return "", 0, nil, errors.New("no verifier key")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize {
		return "", 0, nil, errors.New("no Ed25519 verifier key")
	}
	id := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	if fmt.Sprintf("%x", id[:4]) != parts[1] {
		return "", 0, nil, errors.New("the verifier key has another hash")
	}
	return parts[0], key[0], key[1:], nil
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	for decoder := json.NewDecoder(lines); decoder.More(); {
		var c claim
		if err := decoder.Decode(&c); err != nil {
			fmt.Println("REJECT input:", err)
			os.Exit(1)
		}
		if err := c.check(); err != nil {
			fmt.Printf("REJECT %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ACCEPT")
		}
	}
}
