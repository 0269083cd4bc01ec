using Microsoft.Extensions.Logging;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>
/// The hubs of all connections. A new one goes to the hub that has the fewest, where those of a busy hub count twice. Several times a second it looks
/// at all hubs, and has connections go from one to another:
/// - all of a hub that does not go on, as a blocked hub neither reads what its handler may wait for nor serves anybody else;
/// - some of a busy hub, so many that it has as much to do as the one with the least.
/// </summary>
internal sealed partial class TransportHubs : IAsyncDisposable, IDisposable
{
    private const int MostSpare = 16;
    private const int Looks = 4; // within the patience
    private const int MostMoved = 64; // at one look
    private const int MostShare = 5; // to 4: what the loads of two hubs may differ by
    private const int LeastShare = 4;

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

    /// <summary>The hub for the next connection: of those that go on, that with the fewest; a busy one's count twice.</summary>
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
            if (!hub.IsBlocked && hub != except && (best is null || Weight(hub) < Weight(best)))
            {
                best = hub;
            }
        }

        _next++;
        return best;
    }

    private static int Weight(TransportHub hub) => hub.IsBusy ? 2 * hub.Count : hub.Count;

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
                hub.Look(_patience, Looks);
            }

            foreach (TransportHub hub in _hubs)
            {
                if (hub.IsBlocked && hub.Count != 0)
                {
                    Relieve(hub);
                }
            }

            Balance();
            if (Array.TrueForAll(_hubs, hub => hub.Count == 0))
            {
                _isLooking = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    // From the busiest to the one that has least to do. One connection that is all the load stays: it would only take that along.
    private void Balance()
    {
        TransportHub? most = null;
        TransportHub? least = null;
        foreach (TransportHub hub in _hubs)
        {
            if (!hub.IsBlocked)
            {
                most = hub.IsBusy && hub.Load > (most?.Load ?? 0) ? hub : most;
                least = least is null || hub.Load < least.Load ? hub : least;
            }
        }

        if (most is null || least is null || most.Load * LeastShare <= least.Load * MostShare)
        {
            return;
        }

        long surplus = (most.Load - least.Load) / 2;
        int moved = 0;
        foreach (GreenletConnection connection in most.Connections().Where(connection => connection.Activity > 0).OrderByDescending(connection => connection.Activity))
        {
            if (moved < MostMoved && connection.Activity <= surplus)
            {
                connection.MoveTo(least);
                surplus -= connection.Activity;
                moved++;
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
