using System.Diagnostics;
using Akka.Actor;

namespace NativeGreenlet.Engines.Akka;

/// <summary>Keeps a number of messages in flight: when one has been handled, the next goes to an actor that is drawn.</summary>
internal sealed class Load(IActorRef[] actors)
{
    private volatile Meter _meter = new();

    public void Start(int inFlight)
    {
        for (int i = 0; i < inFlight; i++)
        {
            Send(new Work(this));
        }
    }

    /// <summary>Counts anew from now on.</summary>
    public Meter Reset() => _meter = new Meter();

    /// <summary>Tells that a message has been handled.</summary>
    public void End(Work work)
    {
        _meter.Add(work.Start);
        Send(work);
    }

    private void Send(Work work)
    {
        work.Start = Stopwatch.GetTimestamp();
        actors[Random.Shared.Next(actors.Length)].Tell(work);
    }
}
