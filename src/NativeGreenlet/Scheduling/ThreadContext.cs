using System.Runtime.CompilerServices;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Scheduling;

/// <summary>The execution context of the calling thread, read and replaced as cheaply as the runtime allows.</summary>
internal static class ThreadContext
{
    private static readonly bool s_canReadField = CanReadField();
    private static readonly ExecutionContext? s_known = s_canReadField ? TakeEmpty() : null;
    private static ExecutionContext? s_found;

    /// <summary>The context now; null stands for an empty one. Unlike <see cref="ExecutionContext.Capture"/> it also
    /// tells a context whose flow is suppressed.</summary>
    public static ExecutionContext? Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_canReadField ? Field(Thread.CurrentThread) : ExecutionContext.Capture();
    }

    /// <summary>As <see cref="Current"/>, for a caller that has its own thread's object at hand: finding it costs more than
    /// all the rest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ExecutionContext? Of(Thread current) => s_canReadField ? Field(current) : ExecutionContext.Capture();

    /// <summary>Makes a context the thread's. Handlers of changed <see cref="AsyncLocal{T}"/> values run in this call.</summary>
    public static void Replace(ExecutionContext? context) => ExecutionContext.Restore(context ?? Empty);

    /// <summary>Makes a context the thread's without telling any handler: for a thread that does not change its own context
    /// but goes on where another one stopped. Does nothing where that cannot be done.</summary>
    public static void Assume(ExecutionContext? context)
    {
        if (s_canReadField)
        {
            Field(Thread.CurrentThread) = context;
        }
    }

    /// <summary>Takes the context from a thread that has nothing more to do with it. Unlike <see cref="Replace"/> it tells
    /// no handler: none may run beside the greenlet that runs by now.</summary>
    public static void Forget()
    {
        if (s_canReadField)
        {
            Assume(null);
        }
        else
        {
            Replace(null);
        }
    }

    /// <summary>Null for the context that stands for none.</summary>
    public static ExecutionContext? OrNull(ExecutionContext? context) => context == Empty ? null : context;

    // Every thread without a context reports the same object.
    private static ExecutionContext Empty => s_known ?? s_found ?? FindEmpty();

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_executionContext")]
    private static extern ref ExecutionContext? Field(Thread thread);

    private static bool CanReadField()
    {
        try
        {
            _ = Field(Thread.CurrentThread);
            return true;
        }
        catch (MissingFieldException)
        {
            return false; // another version of the core library: the public way then
        }
    }

    private static ExecutionContext TakeEmpty()
    {
        ref ExecutionContext? field = ref Field(Thread.CurrentThread);
        ExecutionContext? own = field;
        field = null;
        try
        {
            return ExecutionContext.Capture()!;
        }
        finally
        {
            field = own;
        }
    }

    // Not in a static constructor: where there is no thread to be had now, there may be one the next time.
    private static ExecutionContext FindEmpty()
    {
        ExecutionContext? empty = null;
        Thread thread = new(() => empty = ExecutionContext.Capture());
        ThreadSupply.Start(thread);
        thread.Join();
        return s_found = empty!;
    }
}
