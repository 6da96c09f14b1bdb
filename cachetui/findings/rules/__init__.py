"""The rules, one module each; `cachetui.findings.registry` discovers them."""
