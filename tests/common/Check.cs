using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Common;

/// <summary>Comparisons that end the process at once when they fail: what follows a corrupt heap proves nothing.</summary>
internal static class Check
{
    /// <summary>Fails unless something holds that can only be false when memory is corrupt or a switch went astray.</summary>
    public static void That(
        [DoesNotReturnIf(false)] bool holds,
        [CallerArgumentExpression(nameof(holds))] string expression = "",
        [CallerMemberName] string member = "",
        [CallerLineNumber] int line = 0)
    {
        if (!holds)
        {
            Fail($"{member}, line {line}: {expression}");
        }
    }

    /// <summary>Ends the process.</summary>
    [DoesNotReturn]
    public static void Fail(string detail, Exception? exception = null)
    {
        string message = $"CORRUPT {detail}{(exception is null ? null : $": {exception}")}";
        Console.WriteLine(message);
        Console.Out.Flush();
        Environment.FailFast(message);
    }
}
