"""What a decision log tells of a stretch of time: docs/reports.md. Pure: records go in, documents for people and programs come out."""
