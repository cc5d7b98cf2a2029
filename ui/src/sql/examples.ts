/** Queries to start with: each is right as it is. */

export interface Example {
  readonly label: string;
  readonly query: string;
  /** What it is best looked at as. */
  readonly view?: "chart";
}

export const EXAMPLES: readonly Example[] = [
  {
    label: "Slowest operations",
    query: `SELECT service_name, name, sum(weight) AS spans,
       approx_percentile_cont(duration_ms, 0.99) AS p99_ms,
       max(duration_ms) AS max_ms
FROM spans
WHERE kind IN ('server', 'consumer')
GROUP BY service_name, name
ORDER BY p99_ms DESC
LIMIT 50`,
  },
  {
    label: "Error share by version",
    query: `SELECT service_name, resource_attr('service.version') AS version,
       sum(weight) AS spans,
       sum(CASE WHEN status = 'error' THEN weight ELSE 0 END) / sum(weight) AS error_share
FROM spans
GROUP BY service_name, version
ORDER BY error_share DESC, spans DESC`,
  },
  {
    label: "Spans per service and minute",
    view: "chart",
    query: `SELECT date_trunc('minute', start_time) AS minute, service_name,
       sum(weight) AS spans
FROM spans
GROUP BY minute, service_name
ORDER BY minute, spans DESC`,
  },
  {
    label: "Requests, errors and p95 per minute",
    view: "chart",
    query: `SELECT date_trunc('minute', start_time) AS minute,
       sum(weight) AS requests,
       sum(CASE WHEN status = 'error' THEN weight ELSE 0 END) AS errors,
       approx_percentile_cont(duration_ms, 0.95) AS p95_ms
FROM spans
WHERE kind = 'server'
GROUP BY minute
ORDER BY minute`,
  },
  {
    label: "Who calls whom",
    query: `SELECT p.service_name AS caller, c.service_name AS callee,
       count(*) AS calls, avg(c.duration_ms) AS avg_ms
FROM spans p
JOIN spans c ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id
WHERE p.service_name <> c.service_name
GROUP BY caller, callee
ORDER BY calls DESC`,
  },
  {
    label: "Routes and their status codes",
    query: `SELECT attr('http.route') AS route,
       attr('http.response.status_code') AS status_code,
       sum(weight) AS spans
FROM spans
WHERE kind = 'server' AND attr('http.route') IS NOT NULL
GROUP BY route, status_code
ORDER BY spans DESC`,
  },
  {
    label: "The newest failed spans",
    query: `SELECT start_time, trace_id, span_id, service_name, name,
       duration_ms, status_message
FROM spans
WHERE status = 'error'
ORDER BY start_time DESC
LIMIT 100`,
  },
  {
    label: "Traces with the most spans",
    query: `SELECT trace_id, min(start_time) AS started, count(*) AS spans,
       count(DISTINCT service_name) AS services
FROM spans
GROUP BY trace_id
ORDER BY spans DESC
LIMIT 20`,
  },
];
