"""All that remediations ask of AWS beside the calls of the actions: behind the Protocols of remediation.parts."""
