"""Pictures that Streamlit does not have, as components v2 without a build step."""
