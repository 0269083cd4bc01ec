using Microsoft.CodeAnalysis;

namespace NativeGreenlet.Analyzers;

/// <summary>Names the diagnostics. NG0001 and NG0002 are messages of the library's own build.</summary>
public static class Descriptors
{
    // In the repository, which has no public address yet.
    private const string Pages = "docs/analyzers/";

    /// <summary>A task waits, or a greenlet switches, while it holds a lock that belongs to the thread.</summary>
    public static readonly DiagnosticDescriptor WaitInLock = Warning(
        "NG1001",
        "Do not wait or switch while you hold a lock of the thread",
        "'{0}' lets other greenlets of this thread run while {1} is held. It belongs to the thread, so they can enter it, too. Use GreenLock, or wait outside.");

    /// <summary>A call blocks the thread of a hub.</summary>
    public static readonly DiagnosticDescriptor BlocksHub = Warning(
        "NG1002",
        "Do not block the thread of a hub",
        "'{0}' blocks the thread of the hub, and with it every task there. Use {1}.");

    /// <summary>An asynchronous function is given where nobody awaits it.</summary>
    public static readonly DiagnosticDescriptor AsyncVoidBody = Warning(
        "NG1003",
        "Do not give an async void function to a greenlet",
        "Nobody awaits this asynchronous function: '{0}' goes on at its first await, and an exception after it ends the process. Return Task, or wait by Hub.Await in a function that is not async.");

    /// <summary>A value of the thread is read after a wait.</summary>
    public static readonly DiagnosticDescriptor ThreadStaticAfterWait = Warning(
        "NG1004",
        "Do not read a value of the thread after a wait",
        "'{0}' belongs to the thread, whose other greenlets may have changed it during '{1}'. Read it before into a local variable, or use GreenletLocal<T>.");

    /// <summary>A generator is enumerated on more threads than one.</summary>
    public static readonly DiagnosticDescriptor GeneratorLeavesThread = Warning(
        "NG1005",
        "Do not enumerate a generator on several threads",
        "A GreenletGenerator<T> stays on the thread that first asks it for an item; {0} goes on on another. Make a list of it first (ToList), or enumerate it inside a hub and wait by Hub.Await.");

    /// <summary>An operation on a connection is awaited without a token.</summary>
    public static readonly DiagnosticDescriptor AwaitWithoutToken = new(
        "NG1006",
        "Give an operation on a connection a token",
        "When this wait is given up, '{0}' goes on and uses the connection. Write Hub.Await(token => ...) and give the token to the operation.",
        "NativeGreenlet",
        DiagnosticSeverity.Info,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "NG1006.md");

    /// <summary>A greenlet or a coroutine in a field is never disposed of.</summary>
    public static readonly DiagnosticDescriptor UndisposedField = Warning(
        "NG1007",
        "Dispose of a greenlet in a field",
        "'{0}' is never disposed of, so the finally blocks of a suspended {1} run late or never. {2}");

    private static DiagnosticDescriptor Warning(string id, string title, string message) =>
        new(id, title, message, "NativeGreenlet", DiagnosticSeverity.Warning, isEnabledByDefault: true, helpLinkUri: Pages + id + ".md");
}
