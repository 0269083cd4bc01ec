using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside constructors that the runtime calls: <see cref="Activator"/>, <c>new T()</c>, and a finalizer's
/// object that is dropped at once.</summary>
internal sealed class ActivatorActivity : Activity
{
    [ThreadStatic]
    private static int t_depth;

    public override string Name => "activator";

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        switch (actor.Random.Next(3))
        {
            case 0:
                WithArguments built = (WithArguments)Activator.CreateInstance(typeof(WithArguments), actor, depth, stamp)!;
                Check.That(built.Text == Holdings.Text(stamp));
                break;

            case 1:
                t_depth = depth;
                Check.That(Activator.CreateInstance<Plain>().IsWhole);
                break;

            default:
                t_depth = depth;
                Check.That(New<Plain>().IsWhole);
                break;
        }

        _ = new Finalized(stamp);
        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static T New<T>()
        where T : new() => new();

    private sealed class WithArguments
    {
        public WithArguments(Actor actor, int depth, int stamp)
        {
            Cell cell = new(stamp);
            actor.Pause();
            Check.That(cell.Is(stamp));
            actor.Descend(depth);
            Text = Holdings.Text(stamp);
            Check.That(cell.Is(stamp));
        }

        public string Text { get; }
    }

    private sealed class Plain
    {
        private readonly Cell _cell;
        private readonly int _stamp;

        public Plain()
        {
            Actor actor = Actor.Current;
            int depth = t_depth;
            _stamp = actor.Stamp();
            _cell = new Cell(_stamp);
            actor.Descend(depth);
            Check.That(IsWhole);
        }

        public bool IsWhole => _cell.Is(_stamp);
    }

    private sealed class Finalized(int stamp)
    {
        private readonly Cell _cell = new(stamp);

        [SuppressMessage("Performance", "CA1821:Remove empty Finalizers", Justification = "It is not empty.")]
        ~Finalized() => Check.That(_cell.Is(stamp));
    }
}
