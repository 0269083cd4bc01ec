using Microsoft.Extensions.Logging;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>The hubs of all connections: gives each to the hub that has the fewest, and has those of a hub that does not go on taken over by
/// others, as a blocked hub neither reads what its handler may wait for nor serves anybody else.</summary>
internal sealed partial class TransportHubs : IAsyncDisposable, IDisposable
{
    private const int MostSpare = 16;
    private const int Looks = 4; // within the patience

    private readonly TimeSpan _patience;
    private readonly Func<string, Hub> _makeHub;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly List<Hub> _spare = [];
    private readonly Timer _timer;
    private TransportHub[] _hubs;
    private uint _next;
    private bool _isDisposed;
    private bool _isLooking;

    public TransportHubs(HubPool pool, TimeSpan patience, Func<string, Hub> makeHub, ILogger logger)
    {
        _patience = patience;
        _hubs = [.. pool.Hubs.Select(hub => new TransportHub(hub))];
        _makeHub = makeHub;
        _logger = logger;
        _timer = new Timer(static self => ((TransportHubs)self!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The hub for the next connection: of those that go on, that with the fewest.</summary>
    public TransportHub Choose()
    {
        lock (_gate)
        {
            StartLooking();
            return Fewest(null) ?? _hubs[_next++ % _hubs.Length];
        }
    }

    public void Dispose()
    {
        foreach (Hub hub in End())
        {
            hub.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Hub[] spare = End();
        if (spare.Length != 0)
        {
            await Task.Run(() => Array.ForEach(spare, hub => hub.Dispose())).ConfigureAwait(false);
        }
    }

    private Hub[] End()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _timer.Dispose();
            return [.. _spare];
        }
    }

    private void StartLooking()
    {
        if (!_isLooking && !_isDisposed)
        {
            _isLooking = true;
            _timer.Change(_patience / Looks, _patience / Looks);
        }
    }

    private TransportHub? Fewest(TransportHub? except)
    {
        TransportHub? best = null;
        for (uint i = 0; i < _hubs.Length; i++)
        {
            TransportHub hub = _hubs[(_next + i) % _hubs.Length];
            if (!hub.IsBlocked && hub != except && (best is null || hub.Count < best.Count))
            {
                best = hub;
            }
        }

        _next++;
        return best;
    }

    private void Look()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            foreach (TransportHub hub in _hubs)
            {
                hub.Look((long)_patience.TotalMilliseconds, Looks);
            }

            foreach (TransportHub hub in _hubs)
            {
                if (hub.IsBlocked && hub.Count != 0)
                {
                    Relieve(hub);
                }
            }

            if (Array.TrueForAll(_hubs, hub => hub.Count == 0))
            {
                _isLooking = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Relieve(TransportHub hub)
    {
        GreenletConnection[] connections = hub.Connections();
        if (Fewest(hub) is null && !TryAddSpare())
        {
            return;
        }

        LogRelieved(hub.Hub.Name, _patience, connections.Length);
        foreach (GreenletConnection connection in connections)
        {
            connection.MoveTo(Fewest(hub)!);
        }
    }

    // All of them are blocked: one more.
    private bool TryAddSpare()
    {
        if (_spare.Count == MostSpare)
        {
            return false;
        }

        try
        {
            Hub hub = _makeHub($"spare request hub {_spare.Count}");
            _spare.Add(hub);
            _hubs = [.. _hubs, new TransportHub(hub)];
            return true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            return false; // that may pass
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Hub} has not gone on for {Patience}: a request blocks it, or computes. Its {Connections} connections are taken over by other hubs.")]
    private partial void LogRelieved(string hub, TimeSpan patience, int connections);
}
