"""The rules, one small module each; `cachetui.findings.registry` lists them."""
