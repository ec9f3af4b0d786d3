"""
The nouns, in the order in which a run makes them. Pure, and of the standard library only.

host -> session -> step -> driver -> facts -> assessment -> plan -> change -> report
"""
