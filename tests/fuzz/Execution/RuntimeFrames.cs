using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Frames that the runtime puts its own between: reflection, code generated a moment ago, generic virtual methods,
/// static constructors, callbacks from native code.</summary>
internal static unsafe class RuntimeFrames
{
    private const BindingFlags Private = BindingFlags.Static | BindingFlags.NonPublic;
    private const int SortLength = 8;

    private static readonly MethodInfo s_target = typeof(RuntimeFrames).GetMethod(nameof(Target), Private)!;
    private static readonly MethodInfo s_playBody = typeof(RuntimeFrames).GetMethod(nameof(PlayBody), Private)!;

    // For code that cannot be given arguments.
    [ThreadStatic]
    private static Step? t_step;

    [ThreadStatic]
    private static ExceptionDispatchInfo? t_error;

    private delegate string Handler(Step step, string text);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Reflection(Step step)
    {
        int s = step.Stamp;
        try
        {
            if (step.Operation.Number % 4 == 0)
            {
                Handler handler = Handle;
                Sample.Verify((string)handler.DynamicInvoke(step, Sample.MakeText(s))!, s);
                return;
            }

            object?[] arguments = [step, Sample.MakeTuple(s), s, Sample.MakeNullable(s), null];
            Sample.Verify((string)s_target.Invoke(null, arguments)!, s);
            Check.That((int)arguments[2]! == s + 1);
            Sample.Verify((Cell)arguments[4]!, s);
        }
        catch (TargetInvocationException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerException!);
        }
    }

    // The delegate dies in this frame, while the code that it stands for may be parked.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void DynamicMethod(Step step)
    {
        DynamicMethod method = new("Generated", typeof(Cell), [typeof(Step), typeof(Cell)], typeof(RuntimeFrames).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Call, s_playBody);
        code.Emit(OpCodes.Ldarg_1);
        code.Emit(OpCodes.Ret);
        Cell cell = Sample.MakeCell(step.Stamp);
        Cell result = method.CreateDelegate<Func<Step, Cell, Cell>>()(step, cell);
        Check.That(result == cell);
        Sample.Verify(cell, step.Stamp);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void GenericVirtual(Step step)
    {
        int s = step.Stamp;
        Stage stage = (step.Operation.Number & 1) != 0 ? new PlainStage() : new NestedStage<string>();
        switch (step.Operation.Number / 2 % 6)
        {
            case 0:
                Sample.Verify(stage.Play(step, Sample.MakeInt32(s)), s);
                break;
            case 1:
                Sample.Verify(stage.Play(step, Sample.MakeText(s)), s);
                break;
            case 2:
                Sample.Verify(stage.Play(step, Sample.MakeCell(s)), s);
                break;
            case 3:
                Sample.Verify(stage.Play(step, Sample.MakeBundle(s)), s);
                break;
            case 4:
                Sample.Verify(stage.Play(step, Sample.MakeDecimal(s)), s);
                break;
            default:
                Sample.Verify(stage.Play(step, Sample.MakeTuple(s)), s);
                break;
        }
    }

    // Each constructor runs once, so every play takes a type of its own. When none is left, what is inside is played
    // without: the events are the same.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void StaticConstructor(Step step)
    {
        if (TypeSupply.Next() is not { } argument)
        {
            try
            {
                PlayBody(step);
            }
            catch (Exception exception)
            {
                // As the runtime does around a constructor: filters further out run after finally blocks inside.
                ExceptionDispatchInfo.Throw(exception);
            }

            return;
        }

        Cell held = Sample.MakeCell(step.Stamp);
        t_step = step;
        try
        {
            if ((step.Operation.Number & 1) != 0)
            {
                RuntimeHelpers.RunClassConstructor(typeof(Beginning<>).MakeGenericType(argument).TypeHandle);
            }
            else
            {
                Check.That(Activator.CreateInstance(typeof(Beginning<>).MakeGenericType(argument))!.ToString() == argument.ToString());
            }
        }
        catch (TypeInitializationException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerException!);
        }
        catch (TargetInvocationException exception)
        {
            ExceptionDispatchInfo.Throw(((TypeInitializationException)exception.InnerException!).InnerException!);
        }

        Sample.Verify(held, step.Stamp);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void NativeCallback(Step step)
    {
        int* items = stackalloc int[SortLength];
        Span<int> span = new(items, SortLength);
        for (int i = 0; i < SortLength; i++)
        {
            span[i] = (step.Stamp >> i) & 63;
        }

        Cell held = Sample.MakeCell(step.Stamp);
        ExceptionDispatchInfo? error = (step.Operation.Number & 1) != 0 ? SortByPointer(step, items) : SortByDelegate(step, items);
        error?.Throw();
        for (int i = 1; i < SortLength; i++)
        {
            Check.That(span[i - 1] <= span[i]);
        }

        Sample.Verify(held, step.Stamp);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ExceptionDispatchInfo? SortByPointer(Step step, int* items)
    {
        t_step = step;
        NativeSort.Sort(items, SortLength, sizeof(int), &Compare);
        ExceptionDispatchInfo? error = t_error;
        t_error = null;
        return error;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ExceptionDispatchInfo? SortByDelegate(Step step, int* items)
    {
        Cell held = Sample.MakeCell(step.Stamp);
        ExceptionDispatchInfo? error = null;
        bool hasMore = true;
        NativeSort.Comparison compare = (left, right) =>
        {
            try
            {
                hasMore = hasMore && step.PlayNext();
                Sample.Verify(held, step.Stamp);
            }
            catch (Exception exception)
            {
                error = ExceptionDispatchInfo.Capture(exception);
                hasMore = false;
            }

            return (*left).CompareTo(*right);
        };
        NativeSort.Sort(items, SortLength, sizeof(int), compare);
        GC.KeepAlive(compare);
        return error;
    }

    // An exception must not leave it: it has native code below it.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Compare(int* left, int* right)
    {
        if (t_step is { } step)
        {
            t_step = null; // before others run, who may sort, too
            try
            {
                PlayBody(step);
            }
            catch (Exception exception)
            {
                t_error = ExceptionDispatchInfo.Capture(exception);
            }
        }

        return (*left).CompareTo(*right);
    }

    private static void PlayBody(Step step)
    {
        while (step.PlayNext())
        {
        }
    }

    private static string Target(Step step, (int Number, string Text) pair, ref int number, int? optional, out Cell cell)
    {
        int s = step.Stamp;
        cell = Sample.MakeCell(s);
        do
        {
            Sample.Verify(pair, s);
            Check.That(number == s);
            Sample.Verify(optional, s);
            Sample.Verify(cell, s);
        }
        while (step.PlayNext());
        number++;
        return pair.Text;
    }

    private static string Handle(Step step, string text)
    {
        do
        {
            Sample.Verify(text, step.Stamp);
        }
        while (step.PlayNext());
        return text;
    }

    private abstract class Stage
    {
        public abstract T Play<T>(Step step, T value);
    }

    private sealed class PlainStage : Stage
    {
        public override T Play<T>(Step step, T value)
        {
            List<T> list = [value];
            PlayBody(step);
            Check.That(list.GetType() == typeof(List<T>));
            return list[0];
        }
    }

    private sealed class NestedStage<TOuter> : Stage
    {
        public override T Play<T>(Step step, T value)
        {
            (T Value, TOuter?[] Others) held = (value, new TOuter?[step.Stamp & 15]);
            PlayBody(step);
            Check.That(held.Others.GetType() == typeof(TOuter[]) && held.Others.Length == (step.Stamp & 15));
            return held.Value;
        }
    }

    private sealed class Beginning<T>
    {
        public static readonly Cell Contents;

        static Beginning()
        {
            Step step = t_step!;
            t_step = null;
            Cell cell = Sample.MakeCell(step.Stamp);
            string text = typeof(T).ToString();
            do
            {
                Sample.Verify(cell, step.Stamp);
                Check.That(text == typeof(T).ToString());
            }
            while (step.PlayNext());
            Contents = cell;
        }

        public override string ToString() => typeof(T).ToString();
    }
}
