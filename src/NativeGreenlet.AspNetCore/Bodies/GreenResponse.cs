using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>The response of a request while it runs on a greenlet: what is asked to be called when it starts and when it is completed is
/// called on a hub, too, although the server then calls it from elsewhere. Scoped services are disposed of that way.</summary>
internal sealed class GreenResponse : IHttpResponseFeature
{
    private readonly HttpContext _context;
    private readonly IHttpResponseFeature _below;
    private readonly RequestHub _hub;

    private GreenResponse(HttpContext context, IHttpResponseFeature below, RequestHub hub)
    {
        _context = context;
        _below = below;
        _hub = hub;
    }

    public int StatusCode
    {
        get => _below.StatusCode;
        set => _below.StatusCode = value;
    }

    public string? ReasonPhrase
    {
        get => _below.ReasonPhrase;
        set => _below.ReasonPhrase = value;
    }

    public IHeaderDictionary Headers
    {
        get => _below.Headers;
        set => _below.Headers = value;
    }

    [Obsolete("Of the interface.")]
    public Stream Body
    {
        get => _below.Body;
        set => _below.Body = value;
    }

    public bool HasStarted => _below.HasStarted;

    /// <summary>Puts it in place; null if the server has none.</summary>
    /// <param name="context">The context of the request.</param>
    /// <param name="hub">Where callbacks are called.</param>
    /// <param name="last">That of the last request of the connection, which is used again if it can be.</param>
    public static GreenResponse? TryInstall(HttpContext context, RequestHub hub, GreenResponse? last)
    {
        IFeatureCollection features = ServerFeatures(context);
        if (features[typeof(IHttpResponseFeature)] is not IHttpResponseFeature below)
        {
            return null;
        }

        GreenResponse response = last is not null && last._below == below && last._context == context && last._hub == hub ? last : new(context, below, hub);
        features[typeof(IHttpResponseFeature)] = response;
        return response;
    }

    /// <summary>Puts back what was there, where it is still this.</summary>
    public void Remove()
    {
        IFeatureCollection features = ServerFeatures(_context);
        if (features[typeof(IHttpResponseFeature)] == this)
        {
            features[typeof(IHttpResponseFeature)] = _below;
        }
    }

    public void OnStarting(Func<object, Task> callback, object state) => _below.OnStarting(own => CallAsync(callback, own), state);

    public void OnCompleted(Func<object, Task> callback, object state) => _below.OnCompleted(own => CallAsync(callback, own), state);

    private static IFeatureCollection ServerFeatures(HttpContext context) => context.Features is GreenFeatures green ? green.Server : context.Features;

    private Task CallAsync(Func<object, Task> callback, object state) => Hub.IsInside ? callback(state) : CallOnHubAsync(callback, state);

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Of what has not begun.")]
    private async Task CallOnHubAsync(Func<object, Task> callback, object state)
    {
        bool hasStarted = false;
        try
        {
            RequestHub.EnterContext();
            await _hub.RunAsync(
                () =>
                {
                    hasStarted = true;
                    return callback(state);
                },
                CancellationToken.None);
        }
        catch (Exception) when (!hasStarted)
        {
            // No stack for it, or the hubs have ended: it is called all the same, or what it disposes of would be left.
            await callback(state).ConfigureAwait(false);
        }
    }
}
