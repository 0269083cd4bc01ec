using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Runtime;

/// <summary>
/// What the core library keeps for each thread and what points into a stack: since .NET 11 the lists of asynchronous
/// methods that the runtime itself suspends. Their entries lie on the stack of whoever called or resumes such a method, are
/// pushed and popped by it, and what such a method awaits is written into the first. So they belong to a stack, as the
/// three lists of a Thread object do, and a switch exchanges them.
/// </summary>
internal sealed unsafe class AsyncWords : IDisposable
{
    private const string Namespace = "System.Runtime.CompilerServices.";
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public;
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private const int MostBytes = 128; // of the await state

    private static readonly Lock s_lock = new();
    private static readonly List<object> s_keep = []; // finalizing them takes memory at a time of the collector's choice
    private static ThreadStaticField.Accessor? s_awaitState;
    private static ThreadStaticField.Accessor? s_stackState;
    private static ThreadStaticField.Accessor? s_dispatcher;
    private static ThreadStaticField.Accessor? s_machineDispatcher;
    private static nint s_boxType;
    private static nint s_offset;
    private static bool s_areThere;

    private PinnedGCHandle<object> _box; // the await state: a thread-static structure with references is one
    private ThreadStaticField _dispatcher;
    private ThreadStaticField _machineDispatcher;

    private AsyncWords(PinnedGCHandle<object> box, nint* stackState)
    {
        _box = box;
        StackState = stackState;
    }

    /// <summary>The list of callers; the await state's. As the others, it stays where it is until this is disposed of.</summary>
    public nint* StackState { get; }

    /// <summary>The list of dispatchers.</summary>
    public nint* Dispatcher => _dispatcher.Address;

    /// <summary>That of state machines.</summary>
    public nint* MachineDispatcher => _machineDispatcher.Address;

    /// <summary>How many of the other two lists the collector would move, if they were not pinned.</summary>
    public int CountInArrays => (_dispatcher.IsInArray ? 1 : 0) + (_machineDispatcher.IsInArray ? 1 : 0);

    /// <summary>Finds out where they are.</summary>
    /// <param name="own">The calling thread's own memory for thread-static fields.</param>
    /// <exception cref="UnsupportedRuntimeException">They are there, but not as we know them.</exception>
    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075:UnrecognizedReflectionPattern", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    public static void Find(nint own)
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
                if (s_offset < 0 || s_offset > MostBytes || s_offset % sizeof(nint) != 0 || *((nint*)first - 1) != s_boxType)
                {
                    throw new UnsupportedRuntimeException("its asynchronous methods keep their state in another form");
                }
            }

            ThreadStaticField.Pin(s_dispatcher, own).Dispose();
            ThreadStaticField.Pin(s_machineDispatcher, own).Dispose();
            s_areThere = true;
        }
    }

    /// <summary>The calling thread's; null where there are none.</summary>
    /// <param name="own">Its own memory for thread-static fields.</param>
    public static AsyncWords? OfThisThread(nint own)
    {
        if (!s_areThere)
        {
            return null;
        }

        fixed (byte* first = &s_awaitState!())
        {
            if (*((nint*)first - 1) != s_boxType)
            {
                throw Unsupported(inner: null);
            }

            nint address = (nint)first - sizeof(nint);
            AsyncWords words = new(new PinnedGCHandle<object>(Unsafe.As<nint, object>(ref address)), (nint*)(first + s_offset));
            try
            {
                words._dispatcher = ThreadStaticField.Pin(s_dispatcher!, own);
                words._machineDispatcher = ThreadStaticField.Pin(s_machineDispatcher!, own);
                return words;
            }
            catch (UnsupportedRuntimeException exception)
            {
                words.Dispose();
                throw Unsupported(exception);
            }
        }
    }

    /// <summary>Lets go of them: the thread has ended.</summary>
    public void Dispose()
    {
        _box.Dispose();
        _dispatcher.Dispose();
        _machineDispatcher.Dispose();
    }

    private static GreenletException Unsupported(Exception? inner) => new(
        GreenletError.NotSupported, "This thread cannot run greenlets: the state of its asynchronous methods is kept in another form.", inner);

    [UnconditionalSuppressMessage("AOT", "IL3050:RequiresDynamicCode", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    private static ThreadStaticField.Accessor Accessor(FieldInfo field, FieldInfo? inner = null)
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
        return method.CreateDelegate<ThreadStaticField.Accessor>();
    }
}
