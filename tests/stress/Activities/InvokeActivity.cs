using System.Reflection;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside methods called through reflection, with arguments that the runtime copies.</summary>
internal sealed class InvokeActivity : Activity
{
    private const BindingFlags Private = BindingFlags.Static | BindingFlags.NonPublic;

    private static readonly MethodInfo s_target = typeof(InvokeActivity).GetMethod(nameof(Target), Private)!;
    private static readonly MethodInfo s_throwing = typeof(InvokeActivity).GetMethod(nameof(Throwing), Private)!;
    private static readonly MethodInfo s_generic = typeof(InvokeActivity).GetMethod(nameof(Generic), Private)!;

    private delegate string Handler(Actor actor, int depth, int stamp);

    public override string Name => "invoke";

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        switch (actor.Random.Next(actor.MayThrow ? 4 : 3))
        {
            case 0:
                InvokeMethod(actor, depth, stamp);
                break;

            case 1:
                MethodInfo method = s_generic.MakeGenericMethod(actor.Once(2) ? typeof(string) : typeof(int));
                Check.That((string)method.Invoke(null, [actor, depth, stamp])! == Holdings.Text(stamp));
                break;

            case 2:
                Handler handler = Handle;
                Check.That((string)handler.DynamicInvoke(actor, depth, stamp)! == Holdings.Text(stamp));
                break;

            default:
                try
                {
                    _ = s_throwing.Invoke(null, [actor, depth, stamp]);
                    Check.Fail("an exception was lost");
                }
                catch (TargetInvocationException exception)
                {
                    actor.Pause();
                    ((Mishap)exception.InnerException!).Verify(stamp);
                }

                break;
        }

        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void InvokeMethod(Actor actor, int depth, int stamp)
    {
        object?[] arguments = [actor, depth, new Argument(stamp, Holdings.Text(stamp), new Cell(stamp)), stamp, (int?)stamp, null];
        string result = (string)s_target.Invoke(null, arguments)!;
        Check.That(result == Holdings.Text(stamp));
        Check.That((int)arguments[3]! == stamp + 1);
        Check.That(((Cell)arguments[5]!).Is(stamp));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string Target(Actor actor, int depth, Argument argument, ref int number, int? optional, out Cell cell)
    {
        int stamp = argument.Stamp;
        cell = argument.Cell;
        actor.Pause();
        Check.That(argument.Cell.Is(stamp) && argument.Text == Holdings.Text(stamp));
        Check.That(number == stamp && optional == stamp && cell == argument.Cell);
        number++;
        actor.Descend(depth);
        Check.That(number == stamp + 1 && argument.Cell.Is(stamp) && cell == argument.Cell);
        return argument.Text;
    }

    private static void Throwing(Actor actor, int depth, int stamp)
    {
        Cell cell = new(stamp);
        actor.Descend(depth);
        Check.That(cell.Is(stamp));
        Mishap.Throw(actor, stamp);
    }

    private static string Generic<T>(Actor actor, int depth, int stamp)
    {
        List<T> list = [];
        actor.Pause();
        Check.That(list.GetType() == typeof(List<T>));
        actor.Descend(depth);
        return Holdings.Text(stamp);
    }

    private static string Handle(Actor actor, int depth, int stamp)
    {
        Cell cell = new(stamp);
        actor.Descend(depth);
        Check.That(cell.Is(stamp));
        return Holdings.Text(stamp);
    }

    private readonly record struct Argument(int Stamp, string Text, Cell Cell);
}
