namespace NativeGreenlet;

/// <summary>Why a <see cref="GreenletException"/> was thrown.</summary>
/// <example><code>
/// Greenlet greenlet = new(() =&gt; Greenlet.Current.Parent!.Switch());
/// greenlet.Switch();
/// Thread other = new(() =&gt;
/// {
///     try
///     {
///         greenlet.Switch();
///     }
///     catch (GreenletException exception) when (exception.Reason == GreenletError.WrongThread)
///     {
///         Console.WriteLine(exception.Message);
///     }
/// });
/// other.Start();
/// other.Join();
/// </code></example>
public enum GreenletError
{
    /// <summary>The greenlet belongs to another thread than the caller's.</summary>
    WrongThread,

    /// <summary>The thread that the greenlet belongs to has ended.</summary>
    ThreadExited,

    /// <summary>The greenlet has nothing to run: neither a delegate nor an override of <c>Run</c>.</summary>
    NoRun,

    /// <summary>The new parent is the greenlet itself or a descendant of it.</summary>
    CyclicParent,

    /// <summary>The system has no more stacks, memory mappings, memory or threads for another greenlet.</summary>
    OutOfStacks,

    /// <summary>This runtime, platform or configuration cannot run greenlets, or not in the way that was asked for.</summary>
    NotSupported,

    /// <summary>The native library was not found or is of another version.</summary>
    NativeLibraryMissing,

    /// <summary>The greenlet cannot be left where it is: native code that has called it keeps pointers into its stack. The
    /// message names the method and what can be done.</summary>
    Pinned,
}
