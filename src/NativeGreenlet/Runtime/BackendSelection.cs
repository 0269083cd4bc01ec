using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using NativeGreenlet.Diagnostics;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>The choice of backend, made once per process, and its reason.</summary>
internal sealed class BackendSelection
{
    /// <summary>Overrides the choice: segments, slices or threads.</summary>
    public const string Variable = "NATIVEGREENLET_BACKEND";

    private const string Instead = $"Start it without that variable, or with {Variable}=threads: greenlets are then OS threads, with the same semantics.";

    private static readonly Lock s_lock = new();
    private static Surroundings s_surroundings = new();
    private static BackendSelection? s_instance;
    private static GreenletException? s_failure;
    private static volatile int s_isPublished;

    private readonly string _reason;
    private TimeSpan _time;

    private BackendSelection(GreenletBackend backend, string reason, RuntimeBridge? bridge = null)
    {
        Backend = backend;
        Bridge = bridge;
        _reason = reason;
    }

    /// <summary>The choice, made at the first use.</summary>
    /// <exception cref="GreenletException">What was asked for cannot be had, or the native library is missing where there
    /// should be one.</exception>
    public static BackendSelection Instance => Volatile.Read(ref s_instance) ?? Create();

    public GreenletBackend Backend { get; }

    /// <summary>Made when it is asked for: to format a number loads the culture data, which takes longer than the choice.</summary>
    public string Description
    {
        get
        {
            string learned = Bridge is null ? string.Empty : $"; {Learned(Bridge.Layout)}{(ThreadWords.IsChecking ? $"; every switch is checked ({ThreadWords.CheckVariable})" : string.Empty)}";
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{Backend}: {_reason}{learned}{FreezeSetting.Describe(Backend)} ({RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}; chosen in {_time.TotalMilliseconds:F1} ms)");
        }
    }

    /// <summary>The bridge to the runtime; null where stacks are threads.</summary>
    public RuntimeBridge? Bridge { get; }

    /// <summary>Makes the choice look at other surroundings than the real ones. For tests, before the first use.</summary>
    public static void Pretend(Surroundings surroundings) => s_surroundings = surroundings;

    /// <summary>Chooses, without consequences for the process.</summary>
    /// <param name="wish">The value of <see cref="Variable"/>.</param>
    /// <param name="surroundings">The runtime and the platform.</param>
    /// <exception cref="GreenletException">What was asked for cannot be had, or the native library is missing where there
    /// should be one.</exception>
    public static BackendSelection Choose(string? wish, Surroundings surroundings)
    {
        GreenletBackend? wanted = null;
        if (!string.IsNullOrEmpty(wish))
        {
            wanted = Enum.TryParse(wish, ignoreCase: true, out GreenletBackend parsed) && Enum.IsDefined(parsed)
                ? parsed
                : throw NotSupported($"{Variable} is '{wish}'; it can be segments, slices or threads.");
        }

        if (wanted == GreenletBackend.Threads)
        {
            return new BackendSelection(GreenletBackend.Threads, $"{Variable} asks for it");
        }

        if (CollectorKind.IsAskedFor && CollectorKind.IsConservative())
        {
            return ChooseForConservative(wanted, surroundings);
        }

        if (wanted == GreenletBackend.Slices)
        {
            throw NotSupported($"{Variable} asks for slices, which need a conservative garbage collector, and this process has a precise one. Set {CollectorKind.Variable}=1 in the environment before the process starts; no setting in runtimeconfig.json does it, and no program can do it for itself.");
        }

        try
        {
            RuntimeBridge bridge = RuntimeBridge.Build(surroundings);
            return new BackendSelection(GreenletBackend.Segments, "the garbage collector is precise and the runtime describes itself", bridge);
        }
        catch (UnsupportedRuntimeException exception)
        {
            return wanted == GreenletBackend.Segments
                ? throw NotSupported($"{Variable} asks for segments, but this runtime ({RuntimeInformation.FrameworkDescription}) is not one that NativeGreenlet knows: {exception.Message}. {Instead}", exception)
                : new BackendSelection(GreenletBackend.Threads, $"this runtime is not one that we know: {exception.Message}");
        }
        catch (GreenletException exception) when (exception.Reason == GreenletError.NativeLibraryMissing && !surroundings.IsNativeLibraryExpected)
        {
            return wanted == GreenletBackend.Segments
                ? throw NotSupported($"{Variable} asks for segments, but there is no native library for this platform ({RuntimeInformation.RuntimeIdentifier}). {Instead}", exception)
                : new BackendSelection(GreenletBackend.Threads, "there is no native library for this platform");
        }
    }

    // A conservative collector scans a thread's own stack only, and would walk off the end of a segment.
    private static BackendSelection ChooseForConservative(GreenletBackend? wanted, Surroundings surroundings)
    {
        const string Precondition = $"the garbage collector is conservative ({CollectorKind.Variable}=1)";
        if (wanted == GreenletBackend.Segments)
        {
            throw NotSupported($"{Variable} asks for segments, but {Precondition} and does not see them. Remove {CollectorKind.Variable} from the environment before the process starts, or ask for slices.");
        }

        try
        {
            RuntimeBridge bridge = RuntimeBridge.Build(surroundings);
            return NativeEngine.HasSlices
                ? new BackendSelection(GreenletBackend.Slices, $"{Precondition} and the runtime describes itself", bridge)
                : throw new UnsupportedRuntimeException("the native library has no slices for this platform");
        }
        catch (UnsupportedRuntimeException exception)
        {
            return wanted == GreenletBackend.Slices
                ? throw NotSupported($"{Variable} asks for slices, but on this runtime ({RuntimeInformation.FrameworkDescription}) they cannot be had: {exception.Message}. {Instead}", exception)
                : new BackendSelection(GreenletBackend.Threads, $"{Precondition}, and slices cannot be had: {exception.Message}");
        }
        catch (GreenletException exception) when (exception.Reason == GreenletError.NativeLibraryMissing && !surroundings.IsNativeLibraryExpected)
        {
            return wanted == GreenletBackend.Slices
                ? throw NotSupported($"{Variable} asks for slices, but there is no native library for this platform ({RuntimeInformation.RuntimeIdentifier}). {Instead}", exception)
                : new BackendSelection(GreenletBackend.Threads, "there is no native library for this platform");
        }
    }

    private static BackendSelection Create()
    {
        lock (s_lock)
        {
            if (s_failure is not null)
            {
                throw new GreenletException(s_failure.Reason, s_failure.Message, s_failure);
            }

            if (s_instance is null)
            {
                long start = Stopwatch.GetTimestamp();
                BackendSelection selection;
                try
                {
                    selection = Choose(Environment.GetEnvironmentVariable(Variable), s_surroundings);
                }
                catch (GreenletException exception) when (exception.Reason == GreenletError.NotSupported)
                {
                    s_failure = exception; // nothing of it can change while the process lives
                    throw;
                }

                selection.LookWhetherGreenletsCanBeFrozen();
                selection._time = Stopwatch.GetElapsedTime(start);
                Volatile.Write(ref s_instance, selection);
                Publish(selection);
            }

            return s_instance;
        }
    }

    /// <summary>Makes the meter and the event source, if that could not be done before. Called for each new carrier.</summary>
    public static void Publish()
    {
        if (Volatile.Read(ref s_instance) is { } selection)
        {
            Publish(selection);
        }
    }

    // On a thread of its own: it takes longer than all the rest, and so would the first use of the thread pool.
    private static void Publish(BackendSelection selection)
    {
        if (Interlocked.Exchange(ref s_isPublished, 1) != 0)
        {
            return;
        }

        Thread thread = new(() =>
        {
            try
            {
                GreenletMeter.Publish();
                GreenletEventSource.Publish();
                GreenletEventSource.IfEnabled?.BackendChosen(selection.Description);
            }
            catch (Exception)
            {
                s_isPublished = 0; // a listener's own failure, or there is no memory: the next carrier tries again
            }
        })
        {
            IsBackground = true,
            Name = "NativeGreenlet diagnostics",
        };
        try
        {
            thread.UnsafeStart();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            s_isPublished = 0; // greenlets work all the same
        }
    }

    // What takes longer to find out, the first carrier that has something to freeze does.
    private void LookWhetherGreenletsCanBeFrozen()
    {
        if (Backend == GreenletBackend.Segments && !OperatingSystem.IsLinux() && !OperatingSystem.IsWindows())
        {
            FreezeSetting.TurnOff("it has been tested on Linux and Windows only");
        }
    }

    private static string Learned(RuntimeLayout runtime)
    {
        ng_clr_layout layout = runtime.Native;
        string lists = runtime.AreListsDescribed ? "described and found there" : "calibrated";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"contexts by {NativeMethods.ng_context_selected().ToString().ToLowerInvariant()}; Thread: frames at {layout.thread_frame}, exceptions at {layout.thread_exception_tracker}, protected references at {layout.thread_gc_frame}, stack limits at {layout.thread_stack_limits}, the last two {lists}");
    }

    private static GreenletException NotSupported(string message, Exception? cause = null) => new(GreenletError.NotSupported, message, cause);
}
