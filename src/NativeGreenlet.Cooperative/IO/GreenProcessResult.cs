namespace NativeGreenlet.Cooperative;

/// <summary>The result of a process that has ended: its exit code and its output.</summary>
/// <example><code>
/// GreenProcessResult result = GreenProcess.Run("git", "status", "--short");
/// if (result.ExitCode != 0)
/// {
///     throw new InvalidOperationException(result.Error);
/// }
/// </code></example>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it wrote to its standard output.</param>
/// <param name="Error">What it wrote to its standard error.</param>
public sealed record GreenProcessResult(int ExitCode, string Output, string Error);
