using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace NativeGreenlet.AspNetCore;

/// <summary>What a report calls a request. It may be made when the request has ended, and its context serves another.</summary>
internal sealed class RequestSubject(HttpContext context)
{
    private readonly string _method = context.Request.Method;
    private readonly string? _path = context.Request.Path.Value;
    private readonly Activity? _activity = Activity.Current;
    private readonly string? _identifier = Activity.Current is null ? context.TraceIdentifier : null;

    /// <summary>The id of the trace that it is part of; where nobody traces, the server's own for the request.</summary>
    public string TraceId => _activity?.TraceId.ToString() ?? _identifier!;

    /// <inheritdoc/>
    public override string ToString() => $"{_method} {_path}";
}
