using System.Globalization;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using NativeGreenlet.Common;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>The words that the runtime keeps for a thread while it loads a type, as a load of our own shows them.</summary>
public class TypeLoadsTests
{
    private const int Stamp = 11;

    // Where a switch searches all of the runtime's words, it must find no other than these, whoever is asked to resolve. Greenlets that
    // are threads are not refused.
    [Fact]
    public void A_load_of_our_own_shows_every_word_that_a_switch_is_refused_for() => OnThread.Run(() =>
    {
        HashSet<ulong> shown = Watch();
        foreach (ResolverKind kind in Enum.GetValues<ResolverKind>().Where(FreshTypes.IsPinned))
        {
            string? refusal = null;
            Greenlet greenlet = new(() => FreshTypes.Load(kind, Stamp, () => refusal = Refusal()));
            greenlet.Switch();

            Assert.True(refusal is null == (ThisRun.Backend == Backends.Threads), $"{kind}: {refusal ?? "not refused"}");
            Assert.True(refusal is null || shown.Contains(AddressIn(refusal)), $"{kind}: {refusal} is none of {string.Join(' ', shown.Select(each => each.ToString("x", CultureInfo.InvariantCulture)))}");
        }
    });

    [Fact]
    public void Every_load_shows_the_same_words() => OnThread.Run(() =>
    {
        HashSet<ulong> shown = Watch();

        Assert.NotEmpty(shown);
        Assert.Equal(shown.Order(), Watch().Order());
    });

    [Fact]
    public void The_assembly_that_is_loaded_has_a_type_whose_base_class_is_ours()
    {
        using PEReader file = new(new MemoryStream(TypeLoads.ReadImage()));
        MetadataReader reader = file.GetMetadataReader();
        TypeDefinition loaded = reader.GetTypeDefinition(reader.TypeDefinitions.Single(each => reader.GetString(reader.GetTypeDefinition(each).Name) == "Loaded"));
        TypeReference parent = reader.GetTypeReference((TypeReferenceHandle)loaded.BaseType);

        Assert.Equal(typeof(GreenletException).FullName, $"{reader.GetString(parent.Namespace)}.{reader.GetString(parent.Name)}");
        Assert.Equal(typeof(GreenletException).Assembly.GetName().Name, reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)parent.ResolutionScope).Name));
        Assert.Equal([typeof(object).Assembly.GetName().Name, typeof(GreenletException).Assembly.GetName().Name], reader.AssemblyReferences.Select(each => reader.GetString(reader.GetAssemblyReference(each).Name)).Order(StringComparer.Ordinal).Reverse());
        Assert.Equal(3, reader.TypeDefinitions.Count); // and that of the module, and the one that loads it
    }

    private static unsafe HashSet<ulong> Watch()
    {
        _ = NativeEngine.Handle;
        ulong* addresses = stackalloc ulong[TypeLoads.MostWords];
        int count = TypeLoads.Watch(ThreadLocator.OfManaged(Thread.CurrentThread), addresses, out ng_status status);
        Assert.Equal(ng_status.OK, status);
        return [.. new ReadOnlySpan<ulong>(addresses, count)];
    }

    private static string? Refusal()
    {
        try
        {
            new Greenlet(() => { }).Switch();
            return null;
        }
        catch (GreenletException exception)
        {
            return exception.Message;
        }
    }

    // "... + 376 (0x7f...) leads to ..."
    private static ulong AddressIn(string message)
    {
        const string Start = "(0x";
        int start = message.IndexOf(Start, StringComparison.Ordinal) + Start.Length;
        return ulong.Parse(message.AsSpan(start, message.IndexOf(')', start) - start), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
