"""From the vertices that BuildKit prints to the steps of the Dockerfile, in five parts:

1. `expected`: the vertices that the Dockerfile should give, and which of them are equal.
2. `names`: a printed name taken apart, and how well it fits an expected vertex.
3. `alignment`: how one stage's vertices are numbered, judged by all names together.
4. `placement`: which step a vertex is.
5. `rows`: what the vertices say of each step: hit, miss, failed, not reached.
"""
