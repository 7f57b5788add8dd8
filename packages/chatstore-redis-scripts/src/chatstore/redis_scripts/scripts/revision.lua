-- Scripts that do not look for existing ids compare the revision first.
if not known then
  local current = conflict()
  if current then
    return current
  end
end
