"""Provers. Everything here sees secrets; verifiers must not import it."""
