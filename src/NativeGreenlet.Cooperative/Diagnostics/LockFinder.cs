using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>Tells whether a method of a stack trace has entered a <c>lock</c>: whether the call that it is in lies in a <c>try</c> block whose
/// <c>finally</c> leaves one. What was compiled into another method does not show.</summary>
internal static class LockFinder
{
    private const string MonitorType = "System.Threading.Monitor";
    private const string ConditionType = "System.Threading.Condition"; // .NET 11, where the other may be compiled into its caller

    private static readonly ConcurrentDictionary<(MethodBase Method, int Offset), bool> s_known = new();

    /// <summary>Whether one has, among the methods outside of the core library.</summary>
    public static bool IsInLock(StackTrace trace)
    {
        Assembly core = typeof(object).Assembly;
        bool isOutside = false; // of what was called; that waits for a monitor in its own lock, and leaves it meanwhile
        MethodBase? previous = null;
        foreach (StackFrame frame in trace.GetFrames())
        {
            MethodBase? method = frame.GetMethod();
            Assembly? assembly = method?.DeclaringType?.Assembly;
            bool isOwn = assembly == typeof(Hub).Assembly;
            isOutside |= assembly != core && !isOwn;
            if (method is not null && isOutside && !isOwn)
            {
                bool waitsForMonitor = previous is { Name: nameof(Monitor.Wait) } && previous.DeclaringType?.FullName is MonitorType or ConditionType;
                waitsForMonitor |= previous?.DeclaringType?.Assembly == core && CallsWait(method); // both may be compiled into it
                int locks = Locks(method, frame.GetILOffset(), waitsForMonitor ? 1 : 0);
                if (locks > 0)
                {
                    return true;
                }
            }

            previous = method;
        }

        return false;
    }

    private static int Locks(MethodBase method, int offset, int left) =>
        left == 0
            ? s_known.GetOrAdd((method, offset), static at => Count(at.Method, at.Offset) > 0) ? 1 : 0
            : Count(method, offset) - left; // it leaves the one that it waits in

    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "Of a body that has gone nothing is told.")]
    private static int Count(MethodBase method, int offset)
    {
        try
        {
            MethodBody? body = method.GetMethodBody();
            byte[]? code = body?.GetILAsByteArray();
            return code is null ? 0 : body!.ExceptionHandlingClauses.Count(clause =>
                clause.Flags == ExceptionHandlingClauseOptions.Finally
                && offset >= clause.TryOffset && offset <= clause.TryOffset + clause.TryLength
                && LeavesLock(method, code.AsSpan(clause.HandlerOffset, clause.HandlerLength)));
        }
        catch (Exception exception) when (exception is InvalidOperationException or NotSupportedException or BadImageFormatException or TypeLoadException or IOException)
        {
            return 0;
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "Of a body that has gone nothing is told.")]
    private static bool CallsWait(MethodBase method)
    {
        byte[] code;
        try
        {
            code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        }
        catch (Exception exception) when (exception is InvalidOperationException or NotSupportedException or BadImageFormatException or TypeLoadException or IOException)
        {
            return false; // it has no body, or a dynamic one
        }

        for (int i = 0; i + sizeof(int) < code.Length; i++)
        {
            if (code[i] == OpCodes.Call.Value && Resolve(method, BitConverter.ToInt32(code.AsSpan(i + 1))) is { Name: nameof(Monitor.Wait) } called && called.DeclaringType == typeof(Monitor))
            {
                return true;
            }
        }

        return false;
    }

    // Whatever looks like a call: what it calls must be there, and then be the end of a lock.
    private static bool LeavesLock(MethodBase method, ReadOnlySpan<byte> code)
    {
        for (int i = 0; i + sizeof(int) < code.Length; i++)
        {
            if (code[i] == OpCodes.Call.Value && IsExit(method, BitConverter.ToInt32(code[(i + 1)..])))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsExit(MethodBase method, int token)
    {
        MethodBase? called = Resolve(method, token);
        return (called?.DeclaringType == typeof(Monitor) && called.Name == nameof(Monitor.Exit))
            || (called?.DeclaringType == typeof(Lock.Scope) && called.Name == nameof(Lock.Scope.Dispose))
            || (called?.DeclaringType == typeof(Lock) && called.Name == nameof(Lock.Exit));
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "What has gone is not found.")]
    private static MethodBase? Resolve(MethodBase method, int token)
    {
        try
        {
            Type[]? ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
            Type[]? ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
            return method.Module.ResolveMethod(token, ofType, ofMethod);
        }
        catch (Exception exception) when (exception is ArgumentException or BadImageFormatException or TypeLoadException or MissingMemberException or IOException)
        {
            return null; // it was no call
        }
    }
}
