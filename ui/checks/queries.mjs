// Queries as people write them: valid ones, and ones with a mistake, with the column at which it begins, from 1, and
// the text that is to be underlined.

export const VALID = [
  "{}",
  "{ status = error }",
  '{ resource.service.name = "checkout" && duration > 200ms }',
  "{ span.http.response.status_code >= 500 || status = error }",
  "{ name =~ `GET .*` && kind != client }",
  "{ .http.route != nil }",
  "{ rootServiceName = `web` && traceDuration > 1s }",
  "{ event:name = `exception` }",
  "{ event.exception.type =~ `.*Timeout.*` }",
  "{ span:childCount > 3 }",
  "{ nestedSetParent = -1 }",
  "{ kind = server } >> { status = error }",
  "{ kind = server } > { kind = client } ~ { kind = internal }",
  "{ status = error } | count() > 2",
  "{ } | avg(duration) > 1s",
  "{ kind = server } | select(span.http.route, resource.service.version)",
  "{ } | by(resource.service.name) | count() > 5",
  "{ kind = server } | rate()",
  "{ kind = server } | rate() by (resource.service.name) with (exemplars = true)",
  "{ } | quantile_over_time(duration, .5, .9, .99) by (name)",
  "{ } | histogram_over_time(duration)",
  "{ status = error } | count_over_time() | topk(5)",
  '{ span."a b" = 1 }',
  "{ duration > 1.5s && duration < 2m }",
];

export const INVALID = [
  ["{ stattus = error }", 3, "stattus"],
  ["{ kind = servr }", 10, "servr"],
  ["{ status = error } | rat()", 22, "rat"],
  ["{ span.http.status_code == 500 }", 25, "=="],
  ["{ kind = server } || | rate()", 22, "|"],
  ["{ } | coun() > 2", 7, "coun"],
  ["{ duration > 1s & status = error }", 17, "&"],
];
