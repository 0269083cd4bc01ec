using System.Reflection;
using System.Xml.Linq;
using NativeGreenlet.Akka;
using NativeGreenlet.AspNetCore;
using NativeGreenlet.Hosting;
using NativeGreenlet.Orleans;
using NativeGreenlet.Polly;

namespace NativeGreenlet.AspNetCore.Tests.Documentation;

/// <summary>Reads the XML documentation of the libraries, which the build writes beside them.</summary>
internal static class XmlDocumentation
{
    public static IReadOnlyList<Assembly> Assemblies { get; } = [typeof(Greenlet).Assembly, typeof(Hub).Assembly, typeof(GreenRequestOptions).Assembly, typeof(GreenHubs).Assembly, typeof(RunOnGreenletsAttribute).Assembly, typeof(GreenResilience).Assembly, typeof(GreenActors).Assembly];

    public static IReadOnlyDictionary<string, XElement> Members { get; } =
        Assemblies.SelectMany(Load).ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>Gets the name of a type in the files: nested types and type parameters have signs of their own there.</summary>
    public static string NameOf(Type type) => "T:" + type.FullName!.Replace('+', '.');

    private static IEnumerable<XElement> Load(Assembly assembly) =>
        XDocument.Load(Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml"), LoadOptions.PreserveWhitespace).Descendants("member");
}
