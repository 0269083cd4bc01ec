using System.Reflection;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.Leaks;

namespace NativeGreenlet.Cooperative.Tests.Architecture;

/// <summary>What the long tests of memory repeat is every public operation.</summary>
public class FlatMemoryCoverageTests
{
    /// <summary>A method that is added has to be added to <see cref="Operations"/> or <see cref="IoOperations"/>.</summary>
    [Fact]
    public void Every_public_operation_is_among_them()
    {
        HashSet<string> covered = [];
        Operations.With(Cover, InHub.Long);
        IoOperations.With(operations => Cover(operations.All()), InHub.Long);
        IEnumerable<string> members =
            from type in typeof(Hub).Assembly.GetExportedTypes()
            where !typeof(Exception).IsAssignableFrom(type) && !typeof(EventArgs).IsAssignableFrom(type) && !type.IsInterface && !type.IsNested
            from method in type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
            where method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly
            where !method.IsSpecialName && method.Name != nameof(ToString) && !type.Name.Contains("Result", StringComparison.Ordinal)
            select $"{type.Name}.{method.Name}";
        string[] all = [.. members.Distinct()];
        Assert.InRange(all.Length, 50, 500);
        Assert.Empty(all.Except(covered));

        void Cover(IEnumerable<Operation> operations) => covered.UnionWith(operations.SelectMany(operation => operation.Members.Split(' ')));
    }
}
