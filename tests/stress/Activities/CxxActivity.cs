namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses below C++ code that has caught an exception, and throws it again afterwards, or that has one on its way.
/// </summary>
internal sealed class CxxActivity : Activity
{
    public override string Name => "cxx";

    public override string? Obstacle => CxxFrames.Missing;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        Cell held = new(stamp);
        bool isFirst = true;
        CxxFrames.Play(actor.Random.Next(3), stamp, () =>
        {
            Cell inside = new(stamp + 1L, held);
            if (isFirst)
            {
                isFirst = false;
                actor.Descend(depth);
            }
            else
            {
                actor.MayPause();
            }

            Check.That(inside.Is(stamp + 1L) && inside.Next == held && held.Is(stamp));
        });
        holdings.Verify();
    }
}
