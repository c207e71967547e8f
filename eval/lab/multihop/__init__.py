"""Questions of two and three hops, with gold sub-answers: are they answered better part by part, does each part stand?

`everyday` is asked of what an index holds of `shared/everyday` (subtitles and screen text), `nextgqa` of captions of
`shared/data/nextgqa_dev`, `world` of a world rendered once. Written from the material, before they were run.
"""
