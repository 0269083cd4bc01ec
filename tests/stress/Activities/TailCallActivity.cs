using NativeGreenlet.TailCalls;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses between the calls of mutually recursive F# functions. Each second one is an explicit tail call that the
/// runtime makes through a helper, whose record on the stack the thread keeps in a list.</summary>
internal sealed class TailCallActivity : Activity
{
    private const int MostCalls = 6;

    public override string Name => "tailcalls";

    public override bool IsTransparent => true;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        int calls = actor.Random.Next(2, MostCalls + 1);
        Walk walk = new(actor, depth, calls);
        switch (actor.Random.Next(3))
        {
            case 0:
                Check.That(Walks.Numbers(walk.GoesOn, stamp) == stamp * 1000L + calls);
                break;

            case 1:
                Cell held = new(stamp);
                Check.That(Walks.Texts(walk.GoesOn, Holdings.Text(stamp), held) == Holdings.Text(stamp) + new string('!', calls));
                Check.That(held.Is(stamp));
                break;

            default:
                string text = Holdings.Text(stamp);
                Baggage baggage = Walks.Structures(walk.GoesOn, new Baggage(stamp, text, stamp * 0.5, stamp + 3L, stamp + 4L));
                Check.That(baggage.Equals(new Baggage(stamp + calls, text, stamp * 0.5, stamp + 3L, stamp + 4L)));
                break;
        }

        Check.That(walk.Calls == calls);
        holdings.Verify();
    }

    private sealed class Walk(Actor actor, int depth, int most)
    {
        public int Calls { get; private set; }

        public bool GoesOn()
        {
            if (Calls == most)
            {
                return false;
            }

            if (++Calls == most / 2)
            {
                actor.Descend(depth);
            }
            else
            {
                actor.MayPause();
            }

            return true;
        }
    }
}
