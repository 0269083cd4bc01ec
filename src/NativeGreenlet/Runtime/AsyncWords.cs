using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

#pragma warning disable CS0169, IL2026, IL2075, IL3050 // CoreCLR only; the fields are what the core library itself uses

namespace NativeGreenlet.Runtime;

/// <summary>
/// What the core library keeps for each thread and what points into a stack: since .NET 11 the lists of asynchronous
/// methods that the runtime itself suspends. Their entries lie on the stack of whoever called or resumes such a method, are
/// pushed and popped by it, and what such a method awaits is written into the first. So they belong to a stack, as the
/// three lists of a Thread object do, and a switch exchanges them.
/// </summary>
internal sealed unsafe class AsyncWords
{
    private const string Namespace = "System.Runtime.CompilerServices.";
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public;
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private static readonly Lock s_lock = new();
    private static readonly List<object> s_keep = []; // finalizing them takes memory at a time of the collector's choice
    private static ByReference? s_awaitState;
    private static ByReference? s_stackState;
    private static ByReference? s_dispatcher;
    private static ByReference? s_machineDispatcher;
    private static nint s_boxType;
    private static nint s_offset;
    private static bool s_areThere;

    private readonly object _box; // the await state: a thread-static structure with references is one
    private readonly nint* _dispatcher;
    private readonly nint* _machineDispatcher;

    private AsyncWords(object box, nint* dispatcher, nint* machineDispatcher)
    {
        _box = box;
        _dispatcher = dispatcher;
        _machineDispatcher = machineDispatcher;
    }

    private delegate ref byte ByReference();

    /// <summary>Words that nothing but this class uses.</summary>
    public static AsyncWords None { get; } = MakeNone();

    /// <summary>Whether none of the lists has an entry of the running stack.</summary>
    public bool AreEmpty
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (StackState | *_machineDispatcher) == 0; // an entry for the dispatcher comes with one in the stack's state
    }

    private ref nint StackState
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Unsafe.As<byte, nint>(ref Unsafe.Add(ref Unsafe.As<Box>(_box).First, s_offset));
    }

    /// <summary>Finds out where they are. Does nothing where there are none.</summary>
    /// <exception cref="UnsupportedRuntimeException">They are there, but not as we know them.</exception>
    public static void Find()
    {
        lock (s_lock)
        {
            Assembly library = typeof(object).Assembly;
            FieldInfo? awaitState = library.GetType(Namespace + "AsyncHelpers")?.GetField("t_runtimeAsyncAwaitState", Static);
            FieldInfo? dispatcher = library.GetType(Namespace + "AsyncDispatcherInfo")?.GetField("t_current", Static);
            FieldInfo? machineDispatcher = library.GetType(Namespace + "AsyncStateMachineDispatcherInfo")?.GetField("t_current", Static);
            FieldInfo? stackState = awaitState?.FieldType.GetField("StackState", Instance);
            if (awaitState is null || dispatcher is null || machineDispatcher is null || stackState is not { FieldType.IsPointer: true } || !awaitState.FieldType.IsValueType)
            {
                throw new UnsupportedRuntimeException("its asynchronous methods keep their state elsewhere");
            }

            try
            {
                s_awaitState = Accessor(awaitState);
                s_stackState = Accessor(awaitState, stackState);
                s_dispatcher = Accessor(dispatcher);
                s_machineDispatcher = Accessor(machineDispatcher);
            }
            catch (PlatformNotSupportedException exception)
            {
                throw new UnsupportedRuntimeException("its asynchronous methods keep state on stacks, and this program forbids the code to get at it", exception);
            }

            s_boxType = awaitState.FieldType.TypeHandle.Value;
            s_offset = Unsafe.ByteOffset(ref s_awaitState(), ref s_stackState());
            fixed (byte* first = &s_awaitState())
            {
                if (s_offset < 0 || s_offset > (Zeros.Count - 1) * sizeof(nint) || s_offset % sizeof(nint) != 0 || *((nint*)first - 1) != s_boxType)
                {
                    throw new UnsupportedRuntimeException("its asynchronous methods keep their state in another form");
                }
            }

            s_areThere = true;
        }
    }

    /// <summary>The calling thread's.</summary>
    public static AsyncWords OfThisThread()
    {
        if (!s_areThere)
        {
            return None;
        }

        fixed (byte* first = &s_awaitState!())
        {
            if (*((nint*)first - 1) != s_boxType)
            {
                throw new GreenletException(GreenletError.NotSupported, "This thread cannot run greenlets: the state of its asynchronous methods is kept in another form.");
            }

            nint address = (nint)first - sizeof(nint);
            return new AsyncWords(Unsafe.As<nint, object>(ref address), (nint*)Unsafe.AsPointer(ref s_dispatcher!()), (nint*)Unsafe.AsPointer(ref s_machineDispatcher!()));
        }
    }

    /// <summary>Takes the running stack's, and leaves none.</summary>
    public Saved Take()
    {
        Saved saved = new(StackState, *_dispatcher, *_machineDispatcher);
        Put(default);
        return saved;
    }

    /// <summary>Puts back what was taken, when that stack goes on.</summary>
    public void Put(Saved saved)
    {
        StackState = saved.StackState;
        *_dispatcher = saved.Dispatcher;
        *_machineDispatcher = saved.MachineDispatcher;
    }

    private static ByReference Accessor(FieldInfo field, FieldInfo? inner = null)
    {
        DynamicMethod method = new("Address", typeof(byte).MakeByRefType(), Type.EmptyTypes, typeof(object).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldsflda, field);
        if (inner is not null)
        {
            code.Emit(OpCodes.Ldflda, inner);
        }

        code.Emit(OpCodes.Ret);
        s_keep.Add(method);
        s_keep.Add(code);
        return method.CreateDelegate<ByReference>();
    }

    private static AsyncWords MakeNone()
    {
        nint* words = (nint*)System.Runtime.InteropServices.NativeMemory.AllocZeroed(2, (nuint)sizeof(nint));
        return new AsyncWords(new Zeros(), words, words + 1); // what is read of it is zero
    }

    /// <summary>A stack's.</summary>
    public readonly record struct Saved(nint StackState, nint Dispatcher, nint MachineDispatcher);

    private sealed class Box
    {
        public byte First;
    }

    private sealed class Zeros
    {
        public const int Count = 16;

        private Words _words;

        [InlineArray(Count)]
        private struct Words
        {
            private nint _first;
        }
    }
}
