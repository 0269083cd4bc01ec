namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses in code that the runtime calls back to find something. As "loader" that is the base class, or the type of a
/// field, of a type that it is about to load: the class loader must not be left in the middle of a type, a switch there is
/// refused, and everything is as if it had not been tried. As "resolver" it is an assembly or a native library, for managed
/// code: a switch works or is refused.</summary>
internal sealed class LoaderActivity(bool isInsideTypeLoad) : Activity
{
    private readonly ResolverKind[] _kinds = [.. Enum.GetValues<ResolverKind>().Where(kind => FreshTypes.IsInsideTypeLoad(kind) == isInsideTypeLoad)];

    public override string Name => isInsideTypeLoad ? "loader" : "resolver";

    public override int Weight => 1;

    // A refusal is an exception.
    public override bool AlwaysThrows => true;

    public override void Play(Actor actor, int depth)
    {
        if (!FreshTypes.MayLoad())
        {
            actor.Descend(depth);
            return;
        }

        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        ResolverKind kind = _kinds[actor.Random.Next(_kinds.Length)];
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

        if (hasPaused && FreshTypes.IsPinned(kind) && actor is GreenletActor && GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            Check.Fail($"a switch was not refused that native code below forbids ({kind})");
        }

        if (!hasPaused)
        {
            actor.Descend(depth);
        }

        holdings.Verify();
    }
}
