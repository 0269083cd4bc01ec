using Microsoft.AspNetCore.Http;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>What the main task of a request runs. The next request of its connection uses it again.</summary>
internal sealed class RequestStart
{
    private HttpContext? _context;
    private RequestDelegate? _next;
    private bool _isNamed;

    public RequestStart()
    {
        Body = Start;
    }

    /// <summary>The body of the task.</summary>
    public Func<Task> Body { get; }

    /// <summary>Whether the task has begun.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Makes it that of a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">The rest of it.</param>
    /// <param name="isNamed">Whether reports say which request the task runs for.</param>
    public void Prepare(HttpContext context, RequestDelegate next, bool isNamed)
    {
        _context = context;
        _next = next;
        _isNamed = isNamed;
        HasStarted = false;
    }

    // Another request may be prepared as soon as the task has ended, or was given up.
    private Task Start()
    {
        (HttpContext context, RequestDelegate next) = (_context!, _next!);
        (_context, _next) = (null, null);
        HasStarted = true;
        if (_isNamed)
        {
            Hub.CurrentTask.Subject = new RequestSubject(context);
        }

        try
        {
            return next(context);
        }
        catch (Exception exception)
        {
            return Task.FromException(exception); // whoever is before it gets the same object, a cancellation, too
        }
    }
}
