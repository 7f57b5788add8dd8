-- Scripts that do not look for existing ids compare the revision first.
if conflict and not known then
  return conflict
end
