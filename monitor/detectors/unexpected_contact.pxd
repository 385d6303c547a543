from monitor.model.contacts cimport Contact


cpdef detect(Contact contact, judgement)
