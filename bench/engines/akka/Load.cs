using System.Diagnostics;
using Akka.Actor;

namespace NativeGreenlet.Engines.Akka;

/// <summary>Keeps a number of messages in flight: when one has been handled, the next goes to an actor that is drawn.</summary>
internal sealed class Load(IActorRef[] actors)
{
    private readonly Histogram _times = new();
    private long _handled;
    private volatile bool _isOver;

    public long Handled => Volatile.Read(ref _handled);

    public long Percentile(double share) => _times.Percentile(share);

    public void Start(int inFlight)
    {
        for (int i = 0; i < inFlight; i++)
        {
            Send(new Work(this));
        }
    }

    /// <summary>Counts anew from now on.</summary>
    public void Reset()
    {
        _times.Clear();
        Interlocked.Exchange(ref _handled, 0);
    }

    public void Stop() => _isOver = true;

    /// <summary>Tells that a message has been handled.</summary>
    public void End(Work work)
    {
        _times.Add(Stopwatch.GetTimestamp() - work.Start);
        Interlocked.Increment(ref _handled);
        if (!_isOver)
        {
            Send(work);
        }
    }

    private void Send(Work work)
    {
        work.Start = Stopwatch.GetTimestamp();
        actors[Random.Shared.Next(actors.Length)].Tell(work);
    }
}
