# conftest asks for rules of this name.
package bare

deny contains message if some message in decision
