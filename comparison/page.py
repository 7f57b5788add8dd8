def word(r): return {True:"kept",False:"broken",None:"not applicable"}[r["kept"]]
