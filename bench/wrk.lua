-- Sends prepared requests, each once, from a file: eight digits that say how long one is, then it.

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(arguments)
    requests = io.open(arguments[1], "rb")
    ran_out = false
end

function request()
    local size = requests:read(8)
    if not size then
        ran_out = true
        return "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    end
    return requests:read(tonumber(size))
end

function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "microseconds": %d, "failed": %d, "ran_out": %s,'
            .. ' "median": %d, "p99": %d}\n',
        summary.requests,
        summary.duration,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        tostring(threads[1]:get("ran_out")),
        latency:percentile(50),
        latency:percentile(99)
    ))
end
