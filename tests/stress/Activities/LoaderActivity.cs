namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses in code that the runtime calls back to find something: the base class of a type that it is about to
/// load, an assembly, a native library. The class loader must not be left in the middle of a type: a switch there is refused,
/// and everything is as if it had not been tried.</summary>
internal sealed class LoaderActivity : Activity
{
    private static readonly ResolverKind[] s_kinds = Enum.GetValues<ResolverKind>();

    public override string Name => "loader";

    public override int Weight => 1;

    // A refusal is an exception.
    public override bool AlwaysThrows => true;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        ResolverKind kind = s_kinds[actor.Random.Next(s_kinds.Length)];
        Cell held = new(stamp);
        bool hasPaused = false;
        FreshTypes.Load(kind, stamp, () =>
        {
            Cell inside = new(stamp + 1L, held);
            hasPaused = actor.TryPause();
            if (hasPaused)
            {
                actor.Descend(depth);
            }

            Check.That(inside.Is(stamp + 1L) && inside.Next == held && held.Is(stamp));
        });

        if (hasPaused && FreshTypes.IsInsideTypeLoad(kind) && actor is GreenletActor && GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            Check.Fail($"a switch in the middle of a type load was not refused ({kind})");
        }

        if (!hasPaused)
        {
            actor.Descend(depth);
        }

        holdings.Verify();
    }
}
