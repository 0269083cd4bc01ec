using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace NativeGreenlet.AspNetCore;

/// <summary>
/// Where a connection keeps the bodies of its last request for the next one: the transport's connections themselves, others of HTTP/1
/// among the items of the connection, where requests come one after the other. Any other has no place.
/// </summary>
internal readonly struct KeptBodies
{
    private readonly IDictionary<object, object?>? _items;

    private KeptBodies(IConnectionHubFeature? connectionHub, IDictionary<object, object?>? items)
    {
        ConnectionHub = connectionHub;
        _items = items;
    }

    /// <summary>The hub on which the connection lives; null if it lives on none.</summary>
    public IConnectionHubFeature? ConnectionHub { get; }

    /// <summary>That of the connection of a request.</summary>
    public static KeptBodies Of(HttpContext context)
    {
        IFeatureCollection features = context.Features;
        if (features[typeof(IConnectionHubFeature)] is IConnectionHubFeature connectionHub)
        {
            return new KeptBodies(connectionHub, null);
        }

        string protocol = context.Request.Protocol;
        return HttpProtocol.IsHttp11(protocol) || HttpProtocol.IsHttp10(protocol)
            ? new KeptBodies(null, (features[typeof(IConnectionItemsFeature)] as IConnectionItemsFeature)?.Items)
            : default;
    }

    /// <summary>Takes the bodies; null if there are none, or a request has them.</summary>
    public GreenBodies? TryTake()
    {
        if (ConnectionHub is not null)
        {
            return ConnectionHub.TakeBodies();
        }

        return _items is not null && _items.TryGetValue(typeof(GreenBodies), out object? kept) && kept is Shelf shelf
            ? Interlocked.Exchange(ref shelf.Bodies, null)
            : null;
    }

    /// <summary>Keeps the bodies of a request that has ended.</summary>
    public void Return(GreenBodies bodies)
    {
        if (ConnectionHub is not null)
        {
            ConnectionHub.ReturnBodies(bodies);
        }
        else if (_items is not null)
        {
            Shelf shelf;
            if (_items.TryGetValue(typeof(GreenBodies), out object? kept) && kept is Shelf there)
            {
                shelf = there;
            }
            else
            {
                _items[typeof(GreenBodies)] = shelf = new Shelf();
            }

            Volatile.Write(ref shelf.Bodies, bodies);
        }
    }

    // An item of a connection.
    private sealed class Shelf
    {
        public GreenBodies? Bodies;
    }
}
