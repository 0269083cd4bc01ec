using System.Diagnostics;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>A hub with the connections that live there.</summary>
internal sealed class TransportHub
{
    // A hub that has little to do answers within a tenth of this.
    private static readonly TimeSpan s_busyDelay = TimeSpan.FromMilliseconds(2);

    private readonly Lock _gate = new();
    private readonly HashSet<GreenletConnection> _connections = [];
    private readonly Action _answer;
    private int _count;
    private int _isAsked;
    private long _askedAt; // a time stamp
    private long _answeredAt;
    private int _looks; // since it was asked

    public TransportHub(Hub hub)
    {
        Hub = hub;
        _answer = () =>
        {
            _answeredAt = Stopwatch.GetTimestamp();
            Volatile.Write(ref _isAsked, 0);
        };
    }

    public Hub Hub { get; }

    /// <summary>How many connections there are; from any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Whether it has not gone on for long; as of the last look.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>Whether what comes to it waits for what was there before; as of the last look.</summary>
    public bool IsBusy { get; private set; }

    /// <summary>How often its connections have received something between the last two looks.</summary>
    public long Load { get; private set; }

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

    /// <summary>Looks whether it has gone on since it was last asked to, and how soon, and asks it again.</summary>
    /// <param name="patience">How long it may take.</param>
    /// <param name="looks">At how many looks it must not have gone on, as whoever looks may have had no processor, either.</param>
    public void Look(TimeSpan patience, int looks)
    {
        Load = TakeActivity();
        if (Volatile.Read(ref _isAsked) != 0)
        {
            _looks++;
            TimeSpan waiting = Stopwatch.GetElapsedTime(_askedAt);
            IsBusy = waiting >= s_busyDelay;
            IsBlocked = _looks >= looks && waiting >= patience;
            return;
        }

        IsBlocked = false;
        IsBusy = Stopwatch.GetElapsedTime(_askedAt, _answeredAt) >= s_busyDelay; // both are 0 before it is first asked
        if (Count == 0)
        {
            IsBusy = false;
            return;
        }

        Volatile.Write(ref _isAsked, 1);
        _askedAt = Stopwatch.GetTimestamp();
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

    private long TakeActivity()
    {
        long sum = 0;
        lock (_gate)
        {
            foreach (GreenletConnection connection in _connections)
            {
                sum += connection.TakeActivity();
            }
        }

        return sum;
    }
}
