"""Dockerfiles: text in, stages and instructions out, with what each needs. Pure; it reads as
BuildKit reads."""
