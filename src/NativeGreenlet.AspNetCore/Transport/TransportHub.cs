using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>A hub with the connections that live there.</summary>
internal sealed class TransportHub
{
    private readonly Lock _gate = new();
    private readonly HashSet<GreenletConnection> _connections = [];
    private readonly Action _answer;
    private int _count;
    private int _isAsked;
    private long _askedAt;
    private int _looks; // since then

    public TransportHub(Hub hub)
    {
        Hub = hub;
        _answer = () => Volatile.Write(ref _isAsked, 0);
    }

    public Hub Hub { get; }

    /// <summary>How many connections there are; from any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Whether it has not gone on for long; as of the last look.</summary>
    public bool IsBlocked { get; private set; }

    public void Add(GreenletConnection connection)
    {
        lock (_gate)
        {
            _connections.Add(connection);
            _count = _connections.Count;
        }
    }

    public void Remove(GreenletConnection connection)
    {
        lock (_gate)
        {
            _connections.Remove(connection);
            _count = _connections.Count;
        }
    }

    public GreenletConnection[] Connections()
    {
        lock (_gate)
        {
            return [.. _connections];
        }
    }

    /// <summary>Looks whether it has gone on since it was last asked to, and asks it again.</summary>
    /// <param name="patience">How long it may take, in milliseconds.</param>
    /// <param name="looks">At how many looks it must not have gone on, as whoever looks may have had no processor, either.</param>
    public void Look(long patience, int looks)
    {
        long now = Environment.TickCount64;
        if (Volatile.Read(ref _isAsked) != 0)
        {
            _looks++;
            IsBlocked = _looks >= looks && now - _askedAt >= patience;
            return;
        }

        IsBlocked = false;
        if (Count == 0)
        {
            return;
        }

        Volatile.Write(ref _isAsked, 1);
        _askedAt = now;
        _looks = 0;
        try
        {
            Hub.Post(_answer);
        }
        catch (ObjectDisposedException)
        {
            // It has ended, with its owner.
        }
    }
}
