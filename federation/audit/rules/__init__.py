"""What must hold of a record: a file per step of docs/record.md, section 8, told in order by `audit.verify`."""
