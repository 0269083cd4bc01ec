using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside static constructors, which the runtime runs in the middle of whatever needed the type. Each
/// runs once, so every play uses a generic instantiation of its own.</summary>
internal sealed class StaticConstructorActivity : Activity
{
    private static readonly MethodInfo s_touch = typeof(StaticConstructorActivity).GetMethod(nameof(Touch), BindingFlags.Static | BindingFlags.NonPublic)!;

    // How deep the constructor may go; it has no parameters.
    [ThreadStatic]
    private static int t_depth;

    public override string Name => "cctor";

    public override int Weight => 2;

    public override void Play(Actor actor, int depth)
    {
        if (TypeSupply.Next() is not { } argument)
        {
            actor.Descend(depth);
            return;
        }

        t_depth = depth;
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        switch (actor.Random.Next(actor.MayThrow ? 4 : 3))
        {
            case 0:
                RuntimeHelpers.RunClassConstructor(typeof(Beginning<>).MakeGenericType(argument).TypeHandle);
                break;

            case 1:
                Func<Cell> touch = s_touch.MakeGenericMethod(argument).CreateDelegate<Func<Cell>>();
                Check.That(touch().Is(argument.GetHashCode()));
                break;

            case 2:
                object instance = Activator.CreateInstance(typeof(Beginning<>).MakeGenericType(argument))!;
                Check.That(instance.ToString() == argument.ToString());
                break;

            default:
                Fail(actor, argument);
                break;
        }

        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Cell Touch<T>() => Beginning<T>.Contents;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(Actor actor, Type argument)
    {
        for (int i = 0; i < 2; i++)
        {
            try
            {
                actor.Figures.Exceptions++;
                RuntimeHelpers.RunClassConstructor(typeof(Failing<>).MakeGenericType(argument).TypeHandle);
                Check.Fail("an exception was lost");
            }
            catch (TypeInitializationException exception)
            {
                actor.MayPause();
                Mishap mishap = (Mishap)exception.InnerException!;
                mishap.Verify(mishap.Stamp);
            }
        }
    }

    private sealed class Beginning<T>
    {
        public static readonly Cell Contents;

        static Beginning()
        {
            Actor actor = Actor.Current;
            int depth = t_depth;
            long stamp = typeof(T).GetHashCode();
            Cell cell = new(stamp);
            string text = typeof(T).ToString();
            actor.Pause();
            Check.That(cell.Is(stamp) && text == typeof(T).ToString());
            Contents = cell;
            actor.Descend(depth);
            Check.That(cell.Is(stamp) && Contents == cell);
        }

        public override string ToString() => typeof(T).ToString();
    }

    private sealed class Failing<T>
    {
        [SuppressMessage("Performance", "CA1810:Initialize reference type static fields inline", Justification = "The constructor is what is tested.")]
        static Failing()
        {
            Actor actor = Actor.Current;
            int depth = t_depth;
            int stamp = actor.Stamp();
            Cell cell = new(stamp);
            actor.Descend(depth);
            Check.That(cell.Is(stamp));
            Mishap.Throw(actor, stamp);
            Check.That(typeof(T) == typeof(Failing<>)); // not reached
        }
    }
}
