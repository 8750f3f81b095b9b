-- The page of the benchmarks for Apache: the generation that its configuration names, after 20 ms where the path is /slow.
function handle(r)
  r.content_type = "text/plain"
  if r.uri == "/slow" then package.loadlib(r.subprocess_env["WAITS"], "wait_20ms")() end
  r:puts("generation " .. r.subprocess_env["GENERATION"] .. "\n")
  return apache2.OK
end
