using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Diagnostics;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// The words of a carrier's thread that lead into its stack, besides those of the layout. Says to the native library which
/// there are, and says to people why a switch was refused: <c>native/src/clr/words.c</c>.
/// </summary>
internal sealed unsafe class ThreadWords : IDisposable
{
    /// <summary>Turns the checking mode on: each switch searches all that is known of the thread.</summary>
    public const string CheckVariable = "NATIVEGREENLET_CHECK";

    private const int Tries = 3;

    private readonly ng_words* _native;
    private readonly nint _own;
    private readonly AsyncWords? _async;
    private ThreadStaticField? _waits;
    private bool _hasExplained;

    private ThreadWords(ng_words* native, nint own, AsyncWords? async)
    {
        _native = native;
        _own = own;
        _async = async;
    }

    /// <summary>Whether the checking mode is on.</summary>
    public static bool IsChecking { get; } = Environment.GetEnvironmentVariable(CheckVariable) is { Length: > 0 } value && value != "0";

    /// <summary>Where a Thread object leads to the fields that each thread has; 0 if they are not described as the native library
    /// reads them.</summary>
    public static uint FindFields(ContractDescriptor descriptor)
    {
        const string Data = "ThreadLocalData";
        return descriptor.Has("Thread", "ThreadLocalDataPtr")
            && descriptor.Has(Data, "NonCollectibleTlsArrayData") && descriptor.Offset(Data, "NonCollectibleTlsArrayData") == 8
            && descriptor.Has(Data, "CollectibleTlsDataCount") && descriptor.Offset(Data, "CollectibleTlsDataCount") == 4
            && descriptor.Has(Data, "CollectibleTlsArrayData") && descriptor.Offset(Data, "CollectibleTlsArrayData") == 16
                ? descriptor.ThreadOffset("ThreadLocalDataPtr", sizeof(ulong))
                : 0;
    }

    /// <summary>A thread's own memory for thread-static fields; 0 if it is not described.</summary>
    /// <param name="thread">The Thread object.</param>
    /// <param name="threadLocalData">Where it leads there.</param>
    public static nint OwnFields(nint thread, uint threadLocalData) => threadLocalData == 0 ? 0 : *(nint*)(thread + (nint)threadLocalData);

    /// <summary>Lets the native library see what the runtime keeps for a thread while it runs a static constructor, and which words of
    /// a Thread object it does not set.</summary>
    /// <param name="thread">The calling thread's object.</param>
    public static void Learn(nint thread)
    {
        RuntimeHelpers.RunClassConstructor(typeof(Learning).TypeHandle);
        bool isFound = false;
        for (int i = 0; i < Tries && !isFound && NativeMethods.ng_words_mark_heap((void*)thread) == ng_status.OK; i++)
        {
            Thread next = new(static () => { }); // never started
            isFound = NativeMethods.ng_words_find_blanks((void*)ThreadLocator.OfManaged(next)) == ng_status.OK;
            GC.KeepAlive(next);
        }
    }

    /// <summary>Lists those of the calling thread, which has just become a carrier.</summary>
    /// <exception cref="GreenletException">There is no memory for it.</exception>
    public static ThreadWords OfThisThread(ng_words* native, nint thread, uint threadLocalData)
    {
        nint own = OwnFields(thread, threadLocalData);
        ThreadWords words = new(native, own, AsyncWords.OfThisThread(own));
        nint* tail = TailCalls.Of(thread);
        if (tail is not null)
        {
            words.Exchange(tail, TailCalls.Rest, ng_word_kind.TAIL);
        }

        if (words._async is { } lists)
        {
            words.Exchange(lists.StackState, 0, ng_word_kind.ASYNC);
            words.Exchange(lists.MachineDispatcher, 0, ng_word_kind.ASYNC);
            words.Exchange(lists.Dispatcher, 0, ng_word_kind.ASYNC);
        }

        Require(NativeMethods.ng_words_find(native, IsChecking ? 1u : 0u, threadLocalData));
        return words;
    }

    /// <summary>Whether what a switch was just refused for is a word that does no harm and that is looked for only now. Then
    /// the switch can be tried again.</summary>
    public bool TryExplain()
    {
        if (_hasExplained)
        {
            return false;
        }

        // Who waits, for debuggers: nothing in the process follows it.
        _hasExplained = true;
        _waits = BlockingInfo.OfThisThread(_own);
        return _waits is { } waits && NativeMethods.ng_words_exchange(_native, waits.Address, 0, ng_word_kind.HARMLESS) == ng_status.OK;
    }

    /// <summary>Why a switch was refused.</summary>
    public GreenletException Refusal()
    {
        ng_refusal refusal;
        if (NativeMethods.ng_words_refused(_native, &refusal) != ng_status.OK)
        {
            return new GreenletException(GreenletError.Pinned, "This greenlet cannot be left here.");
        }

        string region = Marshal.PtrToStringUTF8((nint)refusal.region) ?? "?";
        string word = string.Create(
            CultureInfo.InvariantCulture,
            $"{region} + {refusal.offset} (0x{refusal.address:x}) leads to 0x{refusal.value:x}, which is in its stack (0x{refusal.low:x} to 0x{refusal.high:x})");
        GreenletException exception = new(
            GreenletError.Pinned,
            $"This greenlet cannot be left here: {Caller()} was called by native code that keeps a pointer into this stack for its thread, and another greenlet would find it. Let that call return before you switch or wait, or make the call that leads here on a thread of its own, or beforehand. The word: {word}.");
        GreenletEventSource.IfEnabled?.Pinned(exception.Message);
        return exception;
    }

    /// <summary>Forgets them: the thread has ended.</summary>
    public void Dispose()
    {
        _async?.Dispose();
        _waits?.Dispose();
    }

    // The method that native code called, as far as a stack trace tells: the runtime calls static methods of its core library,
    // and those the program's; other native code calls methods that are marked for it.
    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    private static string Caller()
    {
        StackFrame[] frames = new StackTrace(fNeedFileInfo: false).GetFrames();
        Assembly own = typeof(ThreadWords).Assembly;
        Assembly core = typeof(object).Assembly;
        MethodBase? last = null;
        foreach (StackFrame frame in frames)
        {
            MethodBase? method = frame.GetMethod();
            if (method is null || method.DeclaringType?.Assembly == own)
            {
                continue;
            }

            bool isOfCore = method.DeclaringType?.Assembly == core;
            if (isOfCore && last is not null && last.DeclaringType?.Assembly != core && !method.IsPublic)
            {
                return $"'{Name(last)}', by way of '{Name(method)}',";
            }

            if (IsForNativeCallers(method))
            {
                return $"'{Name(method)}'";
            }

            last = method;
        }

        return "a method";
    }

    private static bool IsForNativeCallers(MethodBase method)
    {
        try
        {
            return method.IsDefined(typeof(UnmanagedCallersOnlyAttribute), inherit: false);
        }
        catch (Exception exception) when (exception is not GreenletExit)
        {
            return false; // an attribute of the method is in an assembly that cannot be loaded
        }
    }

    private static string Name(MethodBase method) => $"{method.DeclaringType}.{method.Name}";

    private static void Require(ng_status status)
    {
        if (status != ng_status.OK)
        {
            throw new GreenletException(GreenletError.OutOfStacks, $"This thread cannot run greenlets: {NativeEngine.Message(status)}.");
        }
    }

    private void Exchange(nint* address, nint rest, ng_word_kind kind) =>
        Require(NativeMethods.ng_words_exchange(_native, address, (ulong)rest, kind));

    private static class Learning
    {
        [SuppressMessage("Performance", "CA1810:Initialize reference type static fields inline", Justification = "It is there to be run.")]
        static Learning() => _ = NativeMethods.ng_words_learn();
    }
}
