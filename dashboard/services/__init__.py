"""What pages read: pure values out of the record, without Streamlit."""
