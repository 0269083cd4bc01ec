namespace NativeGreenlet.Cooperative.Tasks;

/// <summary>What stands for the task that a body did not return. The compiler takes a lambda that returns the literal null for one
/// that returns a task; what it means is the result.</summary>
internal static class NoTask
{
    /// <summary>The task, or one with the result null.</summary>
    /// <exception cref="InvalidOperationException">There is no task, and the result cannot be null.</exception>
    public static Task<T> Replace<T>(Task<T>? task) => task ?? (default(T) is null
        ? Task.FromResult(default(T)!)
        : throw new InvalidOperationException("The body of an asynchronous task returned no task."));
}
